"""What commands print of hostile names, notebooks that are not what runs, and the table of faults."""

import csv
import io
import re
import subprocess
import sys

import cv2
import pytest
from conftest import BIN, HERE, command

from digitkit.composing import compose
from digitkit.glyphs import load_glyphs
from digitkit.preflight import stale_notebooks
from digitkit.project import InputError

NAMES = ("=1+1.png", "@a.png", "\x1b[31mred.png", "Größe 数.png")


def test_a_name_is_no_formula_and_moves_no_cursor(tmp_path, call):
    """Fault: a file is called like a formula, or has signs in its name that a terminal obeys.
    Right: the CSV has another spelling of the same path, and the table shows the signs.
    """
    for name in NAMES:
        cv2.imwrite(str(tmp_path / name), compose(load_glyphs(), "triple", 1, seed=5).images[0])
    code, out, err = call(tmp_path, "read", *NAMES, "--format", "csv")
    files = [row["file"] for row in csv.DictReader(io.StringIO(out))]
    assert (code, err) == (0, "") and files == ["./=1+1.png", "./@a.png", *NAMES[2:]]
    assert all((tmp_path / file).is_file() for file in files)
    (tmp_path / "\x1b[2Jtext.png").write_text("no image at all")
    code, out, err = call(tmp_path, "read", *NAMES, "\x1b[2Jtext.png")
    assert code == 1 and "\x1b" not in out + err and err.startswith(r"digitkit: \x1b[2Jtext.png: expected an image")
    assert r"\x1b" in out and "Größe 数.png" in out


ROOM = "nbs/10_labels.ipynb"


def test_a_notebook_that_was_not_exported_is_told_by_name(project, monkeypatch):
    """Fault: a notebook was edited and not exported. Right: it is named with the command, which mends it."""
    monkeypatch.chdir(project)
    assert stale_notebooks() == []
    text = (project / ROOM).read_text()
    (project / ROOM).write_text(text.replace("BLANK = 10", "BLANK = 9 + 1"))
    (told,) = stale_notebooks()
    assert told.startswith(f"{ROOM} was edited and not exported") and told.endswith("`nbdev-export`.")
    assert command(project, "nbdev-export").returncode == 0
    assert stale_notebooks() == [] and "BLANK = 9 + 1" in (project / "digitkit/labels.py").read_text()


def test_a_notebook_with_merge_marks_is_refused_by_name(project, monkeypatch):
    """Fault: git left its merge marks in a notebook. Right: its line is named with the command, which mends it."""
    monkeypatch.chdir(project)
    text = (project / ROOM).read_text()
    line = next(line for line in text.splitlines(keepends=True) if "BLANK = 10" in line)
    other = line.replace("BLANK = 10", "BLANK =  10")
    (project / ROOM).write_text(text.replace(line, f"<<<<<<< HEAD\n{line}=======\n{other}>>>>>>> theirs\n"))
    with pytest.raises(InputError, match=rf"^{ROOM}, line \d+: git left its merge marks") as error:
        stale_notebooks()
    mends = re.search("`(.+)`", str(error.value))[1].split()
    assert command(project, *mends).returncode in (0, 1)  # it says so where both sides changed a cell
    assert len(stale_notebooks()) <= 1  # it can be opened again


def test_the_table_of_faults_is_made_of_the_tests():
    out = subprocess.run([sys.executable, HERE / "tools/faults.py"], capture_output=True, text=True, check=True).stdout
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in out.splitlines()[2:]]
    assert len(rows) > 40 and {len(row) for row in rows} == {3}
    assert ["A notebook was edited and not exported", "It is named with the command, which mends it"] in [
        row[:2] for row in rows
    ]


@pytest.mark.parametrize("words", [("read",), ("score",), ("audit",), ("scenes", "export"), ("new",)])
def test_a_name_with_an_escape_sequence_is_written_out(tmp_path, words):
    """Fault: a name of no file holds signs that a terminal obeys. Right: one sentence in which they are letters."""
    name = "no\x1b[31m\x07where"
    if words == ("new",):
        (tmp_path / name).touch()
    more = ("x", "--format", "coco") if "export" in words else ()
    done = subprocess.run([BIN / "digitkit", *words, name, *more], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and r"no\x1b[31m\x07where" in done.stderr and "\x1b" not in done.stderr + done.stdout
