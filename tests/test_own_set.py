"""My own labelled images: scored by a page, tested on and trained on, and refused when they are broken."""

import json
import re
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import change_settings
from PIL import Image
from test_sweep import play

from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.own_sets import load_own_set
from digitkit.pages import jobs_of
from digitkit.pictures import pictures
from digitkit.plan import job_keys
from digitkit.runs import run_folder
from digitkit.scores import load_runs
from digitkit.settings_file import load_config

SMALL = dict(train_scenes=40, val_scenes=10, test_scenes=20, epochs=1, resamples=20, select="")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Forty pictures of numbers of three digits on paper, and a table of their labels."""
    folder, glyphs = tmp_path_factory.mktemp("photos") / "meters", split_glyphs(load_glyphs())["test"]
    folder.mkdir()
    drawn = [photo for kind in ("ink", "pen", "plain") for photo in pictures(kind, 40, seed=3, glyphs=glyphs)]
    rows = [("file", "label")]
    for k, photo in enumerate([photo for photo in drawn if len(photo.texts[0]) == 3][:40]):
        Image.fromarray(photo.image).save(folder / f"{k:02d}.png")
        rows.append((f"{k:02d}.png", photo.texts[0]))
    (folder / "labels.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    assert len(rows) == 41
    return folder


@pytest.fixture
def own(project, photos, monkeypatch):
    """A project with these pictures, in which a reader is trained and tested on them."""
    shutil.copytree(photos, project / "photos/meters")
    layouts = "triple triple+photos/meters"
    change_settings(project, "profile:tiny", experiments="small", base="small", **SMALL)
    change_settings(project, "tiny.small", layouts=layouts, tests="triple photos/meters", epochs=2, fresh_scenes="yes")
    monkeypatch.chdir(project)
    return project


def test_my_photos_from_folder_to_table(own):
    """The page: forty pictures, their scores by the shipped reader."""
    names = play(own, "97_own_set", images="photos/meters")
    scores = names["scores"]
    assert scores.n == 40 and scores.read_as == "pictures" and scores.left_out == []
    assert scores.scores["exact_match"]["value"] > 0.8 and scores.confusion.sum() >= 120
    table = names["to_table"](scores, "photos/meters", "the shipped reader")
    assert "photos/meters (images and a table, all): 40 images, read as pictures by the shipped reader." in table
    assert re.search(r"(?m)^\| exact match, % +\| +\d", table)


def test_a_reader_is_trained_and_tested_on_my_photos(own):
    config = load_config("tiny", "small")
    before = {str(page): key for job in jobs_of("tiny") for page, key in zip(job, job_keys(job))}
    for page in ("90_train", "91_evaluate", "92_score"):
        play(own, page, profile="tiny", experiment="small", seed=0, overrides={})
    parts = {split: len(store) for split, store in load_own_set("photos/meters").items()}
    assert list(parts) == ["train", "val", "test"] and sum(parts.values()) == 40
    rows, missing = load_runs([config])
    assert missing == {} and rows["test"].tolist() == ["triple", "photos/meters"]
    own_row = rows.set_index("test").loc["photos/meters"]
    assert own_row["n_scenes"] == own_row["n_glyphs"] == parts["test"]
    history = pd.read_csv(run_folder(config) / "history.csv")
    assert history["layout"].tolist() == ["triple", "triple+photos/meters"]
    written = json.loads((run_folder(config) / "config.json").read_text())["data"]
    assert re.fullmatch(r"photos/meters [0-9a-f]{12}", written["sets"])
    # another image, other keys
    image = own / "photos/meters/07.png"
    cv2.imwrite(str(image), np.ascontiguousarray(cv2.imread(str(image))[::-1]))
    after = {str(page): key for job in jobs_of("tiny") for page, key in zip(job, job_keys(job))}
    assert not set(before.values()) & set(after.values())


def _cut(folder):
    data = (folder / "03.png").read_bytes()
    (folder / "03.png").write_bytes(data[: len(data) // 2])


def _long(folder):
    (folder / "labels.csv").write_text("\n".join(["file,label", *(f"{k:02d}.png,123456" for k in range(40))]))


BROKEN = {
    "no set": (shutil.rmtree, "photos/meters: expected a set of labelled images, got nothing there"),
    "a broken image": (_cut, "photos/meters: 1 cannot be used, the first is 03.png"),
    "no labels": (lambda folder: (folder / "labels.csv").write_text("file\n"), "labels.csv: "),
    "six digits": (_long, "photos/meters: expected numbers of 3 digits, because it cuts images into so many, to train"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_set_is_refused_with_its_line_before_the_first_page(own, call, kind):
    """Fault: a set that settings.ini names is missing, has a broken image or no labels, or numbers that do not fit.
    Right: one sentence with the line to mend; nothing has run.
    """
    spoil, expected = BROKEN[kind]
    spoil(own / "photos/meters")
    code, out, err = call(own, "report", "--profile", "tiny")
    assert (code, out) == (2, "") and err.count("\n") == 1 and expected in err, err
    line = int(re.match(r"digitkit: settings.ini, line (\d+), \[tiny.small\]: ", err)[1])
    assert "photos/meters" in (own / "settings.ini").read_text().splitlines()[line - 1]
    assert not (own / "reports").exists()
