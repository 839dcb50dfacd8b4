"""What a type checker sees of the public API."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import BIN, HERE

USE = """
from pathlib import Path

import numpy as np
from PIL import Image

from digitkit.files import as_picture, load_pages
from digitkit.numbers import Number, Numbers
from digitkit.reader import Reader

reader: Reader = Reader.default()
reader = Reader.load("reports/quick/slots/seed0")
reader = Reader.load(Path("reader.onnx"))
scene = np.zeros((84, 84), np.uint8)
found: Numbers = reader.find(scene, promise=0.99, as_scene=True)
found = reader.find(Image.new("L", (84, 84)))
first: Number = found[0]
text: str = first.text
left, top, width, height = first.box
texts: list[str] = reader.find("photo.png").texts
many: list[Numbers] = reader.find_all([scene, "photo.png", Path("a.png")])
digits: np.ndarray = reader.read(np.zeros((5, 84, 84), np.uint8)).digits
confidence: np.ndarray = reader.read(["a.png", "b.png"]).confidence
probs, ok = reader.probs([scene])
slots: int = reader.slots
pages: list[tuple[str, np.ndarray]] = list(load_pages("a.tif"))
shape: tuple[int, ...] = as_picture("a.png").shape
"""
WRONG = """
from digitkit.reader import Reader

number: int = Reader.default().find("a.png")
Reader.default().fnid("a.png")
Reader.default().find(7)
"""


@pytest.mark.skipif(not shutil.which(BIN / "basedpyright"), reason="basedpyright is not installed")
def test_pyright_sees_the_public_api(tmp_path):
    for name, text in {"use.py": USE, "wrong.py": WRONG}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pyrightconfig.json").write_text("{}")  # no settings of a folder above
    line = [BIN / "basedpyright", "--level", "error", "--pythonpath", sys.executable]
    options = dict(cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(HERE)}, capture_output=True, text=True)
    done = subprocess.run([*line, "use.py"], **options)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([*line, "wrong.py"], **options)
    assert "3 errors" in done.stdout, done.stdout
