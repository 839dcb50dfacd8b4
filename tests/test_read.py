"""`digitkit read`: files, folders and patterns, three formats, both kinds of reader, and images as people have them."""

import csv
import io
import json

import cv2
import nbformat
import numpy as np
import pytest
from conftest import HERE, RUN, command

from digitkit.glyphs import load_glyphs
from digitkit.files import load_image
from digitkit.labels import number
from digitkit.scenes import compose

SHIPPED = HERE / "digitkit" / "shipped"
RUNS = {"crops": RUN, "whole images": "reports/tiny/slots/seed0"}


@pytest.fixture(scope="module")
def scenes():
    return compose(load_glyphs(), "triple", 3, seed=9)


@pytest.fixture
def folder(tmp_path, scenes):
    """Three scenes as PNG and JPEG, and a file that is none."""
    for name, image in zip(("a.png", "b.PNG", "c.jpg"), scenes.images):
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / "notes.txt").write_text("not an image, and not asked for")
    return tmp_path


def test_a_file_s_name_is_a_text_in_the_table_and_itself_elsewhere(call, tmp_path, scenes):
    name = "a|b <i> my_scan.png"
    cv2.imwrite(str(tmp_path / name), scenes.images[0])
    header, _, row = call(HERE, "read", tmp_path)[1].splitlines()
    assert row.replace(r"\|", "").count("|") == header.count("|") and r"a\|b \<i> my_scan.png" in row
    (answer,) = json.loads(call(HERE, "read", tmp_path, "--format", "json")[1])
    (cells,) = csv.DictReader(io.StringIO(call(HERE, "read", tmp_path, "--format", "csv")[1]))
    assert answer["file"] == cells["file"] == str(tmp_path / name)


def test_the_page_of_the_shipped_reader_ends_as_make_ship_writes_it():
    cells = nbformat.read(HERE / "nbs/reports/95_ship.ipynb", as_version=4).cells
    (template,) = [cell.source.split('"""')[1] for cell in cells if cell.source.count('"""') == 2]
    config = json.loads((SHIPPED / "config.json").read_text())["config"]
    end = template.rpartition("\n\n")[2].replace("{reader.slots}", str(config["slots"]))
    assert (SHIPPED / "README.md").read_text().endswith(end.replace("{config.pipeline}", config["pipeline"]))


@pytest.mark.parametrize("kind", RUNS)
def test_the_command_answers_what_the_reader_answers(tiny, call, folder, kind):
    from digitkit.reader import Reader

    code, out, err = call(tiny.project, "read", folder, "--run", RUNS[kind], "--format", "json")
    assert (code, err) == (0, "")
    files = [folder / name for name in ("a.png", "b.PNG", "c.jpg")]
    reading = Reader.load(tiny.project / RUNS[kind]).read([load_image(file) for file in files])
    answers = json.loads(out)
    assert [row["file"] for row in answers] == [str(file) for file in files]
    assert [row["digits"] for row in answers] == list(number(reading.digits))
    assert [row["cut"] for row in answers] == reading.ok.tolist()
    np.testing.assert_allclose([row["confidence"] for row in answers], reading.confidence, atol=1e-4)
    each = [row["digit_confidence"] for row in answers]
    np.testing.assert_allclose(each, reading.digit_confidence, atol=1e-4)


def test_the_three_formats_say_the_same(tiny, call, folder):
    said = {
        form: call(tiny.project, "read", folder, "--run", RUN, "--format", form) for form in ("json", "csv", "table")
    }
    assert {code for code, _, _ in said.values()} == {0}
    answers = [(row["file"], row["digits"]) for row in json.loads(said["json"][1])]
    assert answers == [(row["file"], row["digits"]) for row in csv.DictReader(io.StringIO(said["csv"][1]))]
    lines = said["table"][1].strip().splitlines()
    assert len(lines) == 2 + len(answers)
    for line, (file, digits) in zip(lines[2:], answers):
        assert [cell.strip() for cell in line.split("|")][1:3] == [file, digits]


@pytest.mark.parametrize("pattern, found", [("a.png", 1), ("*.png", 1), ("*.[pP]*", 2), (".", 3), ("**/*.jpg", 1)])
def test_files_folders_and_patterns_are_found(tiny, call, folder, pattern, found):
    code, out, _ = call(tiny.project, "read", folder / pattern, "--run", RUN, "--format", "json")
    assert code == 0 and len(json.loads(out)) == found


def _kinds(ink):
    """One scene in the ways that people have it, and how far its grey levels may then be off."""
    light = 255 - ink
    transparent = cv2.merge([np.zeros_like(ink)] * 3 + [ink])
    noisy = cv2.cvtColor((40 + 0.7 * light).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    return {
        "dark_on_white.png": (light, 0),
        "colour.png": (cv2.cvtColor(ink, cv2.COLOR_GRAY2BGR), 0),
        "transparent.png": (transparent, 1),
        "sixteen_bit.png": (ink.astype(np.uint16) * 257, 0),
        "photo.jpg": (noisy, 85),
    }


@pytest.mark.parametrize("name", _kinds(np.zeros((84, 84), np.uint8)))
def test_images_as_people_have_them_are_read_alike(project, call, tmp_path, scenes, name):
    image, off = _kinds(scenes.images[0])[name]
    cv2.imwrite(str(tmp_path / "plain.png"), scenes.images[0])
    cv2.imwrite(str(tmp_path / name), image)
    gap = np.abs(load_image(tmp_path / name).astype(int) - scenes.images[0])
    assert gap.max() <= off
    code, out, _ = call(project, "read", tmp_path / name, tmp_path / "plain.png", "--format", "json")
    one, other = json.loads(out)
    assert code == 0 and one["digits"] == other["digits"] == "".join(map(str, scenes.digits[0]))
    if off == 0:
        assert one["digit_confidence"] == other["digit_confidence"]


def test_the_installed_command_prints_nothing_but_its_answer(tiny, folder, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    done = command(tiny.project, "digitkit", "read", folder, "--run", RUN, "--format", "csv")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == 3


def test_the_shipped_reader_needs_no_run(call, project, tmp_path):
    scenes = compose(load_glyphs(), "ladder14", 8, seed=9)
    for k, image in enumerate(scenes.images):
        cv2.imwrite(str(tmp_path / f"{k}.png"), 255 - image)
    code, out, err = call(project, "read", tmp_path, "--format", "json")
    assert code == 0, err
    right = [row["digits"] == truth for row, truth in zip(json.loads(out), number(scenes.digits))]
    assert sum(right) >= 6  # 0.97 of such scenes; a fresh network reads one in a thousand
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_000_000


def test_an_exported_reader_answers_alike(tiny, call, tmp_path, scenes):
    cv2.imwrite(str(tmp_path / "image.png"), scenes.images[0])
    code, _, err = call(tiny.project, "export", RUNS["whole images"], tmp_path / "reader.onnx")
    assert code == 0, err
    both = [
        json.loads(call(tiny.project, "read", tmp_path / "image.png", "--run", run, "--format", "json")[1])
        for run in (RUNS["whole images"], tmp_path / "reader.onnx")
    ]
    assert both[0][0]["digits"] == both[1][0]["digits"]
