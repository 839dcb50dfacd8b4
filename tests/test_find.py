"""`Reader.find`: every number of a picture is found and read; what is no number is not."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from conftest import HERE, change_settings, play

from digitkit.composing import compose
from digitkit.finding import Finder
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.pictures import KINDS, pictures
from digitkit.reader import Reader
from digitkit.runtime import open_session
from digitkit.strips import StripReader


@pytest.fixture(scope="module")
def reader():
    return Reader.default()


@pytest.fixture(scope="module")
def glyphs():
    return split_glyphs(load_glyphs())["test"]


def test_what_is_shipped_is_what_the_report_of_pictures_measured():
    folder = HERE / "reports/full/pictures"
    chosen = pd.read_csv(folder / "promises.csv").groupby("kind")
    shipped = json.loads((HERE / "digitkit/shipped/promise.json").read_text())
    for kind, table in chosen:
        expected = {float(promise): at for promise, at in shipped[kind].items()}
        assert expected == pytest.approx(dict(zip(table["promise"], table["confidence"])))
    overview = (folder / "overview.md").read_text()
    assert overview in (HERE / "reports/README.md").read_text()
    rates = pd.read_csv(folder / "overview.csv", index_col=0)["rate"]
    lines = overview.splitlines()[2:]
    assert [float(line.split("|")[2].split()[0]) for line in lines] == (100 * rates).round(2).tolist()
    assert (HERE / "digitkit/shipped/strips.onnx").stat().st_size < 2_000_000


def _right(reader, kind, n, glyphs):
    made = pictures(kind, n, 1, glyphs)
    return np.mean([reader.find(picture.image).texts == list(picture.texts) for picture in made])


@pytest.mark.parametrize(
    "kind, least",
    [
        *(("plain", 0.9), ("one digit", 0.9), ("many digits", 0.85), ("height", 0.85), ("contrast", 0.9)),
        *(("ink", 0.9), ("bright ink", 0.9), ("shadow", 0.85), ("squared", 0.85), ("box", 0.85), ("underline", 0.85)),
        *(("column", 0.5), ("turn", 0.85), ("desk", 0.85), ("specks", 0.85), ("edge", 0.85)),
    ],
)
def test_most_numbers_of_a_kind_are_read(reader, glyphs, kind, least):
    """Twenty pictures; the kinds' rates on many stand in the report of pictures, and are all well above."""
    assert _right(reader, kind, 20, glyphs) >= least


def _share(one, other):
    """The area that two boxes share, of the area of both."""
    (x, y, w, h), (left, top, width, height) = one, other
    inner = max(0, min(x + w, left + width) - max(x, left)) * max(0, min(y + h, top + height) - max(y, top))
    return inner / (w * h + width * height - inner)


def test_boxes_are_where_the_numbers_are(reader, glyphs):
    shares = []
    for picture in pictures("lines", 10, 2, glyphs):
        found = [number.box for number in reader.find(picture.image)]
        shares += [max((_share(box, one) for one in found), default=0) for box in picture.boxes.tolist()]
    assert len(shares) > 20 and np.mean(np.array(shares) > 0.6) > 0.9


def test_what_is_no_number_is_never_sure(reader, glyphs):
    sure = [any(found.sure for found in reader.find(one.image)) for one in pictures("no number", 40, 3, glyphs)]
    assert sum(sure) <= 1


def test_an_answer_is_the_same_dark_or_bright_grey_or_in_colour_and_a_little_larger(reader, glyphs):
    for picture in pictures("digits", 8, 4, glyphs):
        image = picture.image
        grey = image if image.ndim == 2 else image[..., 1]
        texts = reader.find(grey).texts
        assert texts == reader.find(255 - grey).texts == reader.find(np.stack([grey] * 3, axis=-1)).texts


def test_a_scene_is_read_as_one_and_either_can_be_forced(reader):
    scenes = compose(load_glyphs(), "crowd", 20, seed=3)
    for image in scenes.images:
        found = reader.find(image)
        assert len(found) <= 1 and found.texts == reader.find(image, as_scene=True).texts
    assert any(reader.find(image, as_scene=False).texts != reader.find(image).texts for image in scenes.images)


@pytest.mark.parametrize("shape", [(8, 8), (8, 3000), (3000, 9, 3), (257, 255)])
@pytest.mark.parametrize("level", [0, 255, "noise"])
def test_no_picture_is_too_odd_to_be_looked_at(reader, shape, level):
    chance = np.random.default_rng(0)
    image = chance.integers(0, 256, shape) if level == "noise" else np.full(shape, level)
    assert not any(number.sure for number in reader.find(image.astype(np.uint8), as_scene=False))


def test_the_networks_are_trained_go_on_and_become_files_that_are_read_with(glyphs, tmp_path, monkeypatch):
    """Seconds teach nothing; that the whole way from pictures to files goes through is what is shown, on small ones."""
    from digitkit import recognition
    from digitkit.recognition import build_finder, build_recogniser, save_recognition, train_recognition

    monkeypatch.setattr(recognition, "_BLOCK", 24)
    monkeypatch.setattr(recognition, "build_finder", partial(build_finder, (8, 8, 8)))
    monkeypatch.setattr(recognition, "build_recogniser", partial(build_recogniser, (8, 8, 8, 8), 16))
    said = []
    trained = train_recognition(glyphs, tmp_path, minutes=0.02, batch=8, say=said.append)
    assert trained["pictures"] >= 24 and trained["history"][0]["recogniser"] > 0 and len(said) >= 1
    again = train_recognition(glyphs, tmp_path, minutes=1e-9, begin=tmp_path)  # no time for a step
    assert again["pictures"] == 0 and again["before"]["pictures"] == trained["pictures"]
    assert max(save_recognition(tmp_path, tmp_path).values()) < 0.05  # half precision
    finder = Finder(open_session((tmp_path / "finder.onnx").read_bytes()))
    strips = StripReader(open_session((tmp_path / "strips.onnx").read_bytes()))
    assert finder.cells(np.zeros((320, 320), np.uint8)).shape == (80, 80)
    assert [len(columns) for columns in strips.columns([np.zeros((32, 50), np.uint8)])] == [32]


def test_the_page_of_pictures_measures_every_kind_and_says_what_is_worst(project, monkeypatch):
    """Two pictures a kind: that the page works, and what it leaves; the rates of many stand in reports/full."""
    shipped = (HERE / "digitkit/shipped/promise.json").read_text()
    change_settings(project, "profile:tiny", jobs=1)
    monkeypatch.chdir(project)
    play(project, "96_pictures", profile="tiny")
    folder = project / "reports/tiny/pictures"
    kinds = pd.read_csv(folder / "kinds.csv")
    exact = kinds[kinds["what"] == "exact"]
    assert set(exact["kind"]) == set(KINDS) and exact["rate"].mean() > 0.85
    assert ((exact["rate_low"] <= exact["rate"]) & (exact["rate"] <= exact["rate_high"])).all()
    assert (folder / "misread.png").is_file() and (folder / "overview.csv").is_file()
    assert (HERE / "digitkit/shipped/promise.json").read_text() == shipped  # only MNIST's digits can change it
