"""Bad input, a full disk, files that carry code: one clear sentence, and nothing half-written."""

import json
import os
import re
import resource
import shutil
import subprocess
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import BIN, RUN, change_settings, command

from digitkit.config import InputError, load_config
from digitkit.glyphs import load_glyphs
from digitkit.report import is_current, jobs_of, page_key, run_page
from digitkit.scenes import compose
from digitkit.store import Store

SETTINGS = [
    (("report", "--profile", "quik"), {}, "unknown profile 'quik'. Did you mean 'quick'?"),
    (("report", "--profile", "tiny", "--experiment", "smal"), {}, "unknown experiment 'smal'. Did you mean 'small'?"),
    (("report", "--profile", "tiny"), dict(experiments="smoll slots"), "unknown experiment 'smoll'."),
    (("report", "--profile", "tiny"), dict(epoch=3), "[profile:tiny]: unknown key 'epoch'. Did you mean 'epochs'?"),
    (("report", "--profile", "tiny"), dict(epochs="many"), "epochs expects a whole number, got 'many'."),
    (("report", "--profile", "tiny"), dict(grid="[1]"), "grid expects a JSON object of lists"),
    (("report", "--profile", "tiny"), dict(epochs=0), "epochs expects at least 1, got 0."),
    (("report", "--profile", "tiny"), dict(protocol="onest"), "unknown protocol 'onest'. Did you mean 'honest'?"),
    (("report", "--profile", "tiny"), dict(schedule="onecyle"), "unknown schedule 'onecyle'. Did you mean 'onecycle'?"),
    (("report", "--profile", "tiny"), dict(slots=6), "slots expects 1 to 5, got 6."),
    (("report", "--profile", "tiny"), dict(members="smal"), "unknown experiment 'smal'. Did you mean 'small'?"),
    (("report", "--profile", "tiny"), dict(members="slots_views"), "expects experiments that train, got slots_views."),
]


def is_one_sentence(err: str) -> bool:
    """Whether a command said one thing only, as a sentence of its own."""
    return err.startswith("digitkit: ") and err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.parametrize("arguments, keys, expected", SETTINGS, ids=lambda value: str(value)[:40])
def test_a_mistake_in_the_settings_is_one_sentence_and_exit_code_2(project, call, arguments, keys, expected):
    change_settings(project, "profile:tiny", **keys)
    code, out, err = call(project, *arguments)
    assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err
    assert not (project / "reports").exists() and not (project / "data").exists()


def test_the_line_of_a_misspelt_key_is_named(project, call):
    text = (project / "settings.ini").read_text()
    (project / "settings.ini").write_text(text.replace("[profile:tiny]\n", "[profile:tiny]\nepoch = 3\n"))
    line = text.splitlines().index("[profile:tiny]") + 2
    assert f"settings.ini, line {line}, [profile:tiny]: unknown key 'epoch'" in call(project, "report")[2]


def test_outside_a_project_the_command_says_so(tmp_path, call):
    code, out, err = call(tmp_path, "report")
    assert (code, out) == (2, "") and is_one_sentence(err) and "no digitkit project" in err


def test_an_unknown_segmenter_or_model_is_refused_with_the_nearest_name(project, monkeypatch):
    from digitkit.reader import build_reader

    monkeypatch.chdir(project)
    for key, name, near in [("segmenter", "colums", "columns"), ("model", "smal", "small")]:
        change_settings(project, f"odd{key}", **{"model": "small", "pipeline": "aspect", key: name})
        with pytest.raises(InputError, match=f"unknown {key} '{name}'. Did you mean '{near}'?"):
            build_reader(load_config("tiny", f"odd{key}"))


# ------------------------------------------------------------------ reading


@pytest.fixture
def images(tmp_path):
    """A folder with a good image, and one of every bad kind."""
    folder = tmp_path / "images"
    folder.mkdir()
    good = compose(load_glyphs(), "triple", 2, seed=5).images
    cv2.imwrite(str(folder / "good.png"), good[0])
    cv2.imwrite(str(folder / "zz_good.png"), good[1])
    cv2.imwrite(str(folder / "black.png"), np.zeros((84, 84), np.uint8))
    cv2.imwrite(str(folder / "white.png"), np.full((84, 84), 255, np.uint8))
    cv2.imwrite(str(folder / "small.png"), good[0][:5, :5])
    (folder / "text.png").write_text("no image")
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.png").write_bytes((folder / "good.png").read_bytes()[:-200])
    return folder


def test_bad_images_are_named_and_the_good_ones_beside_them_answered(tiny, call, images):
    code, out, err = call(tiny.project, "read", images, "--run", RUN, "--format", "json")
    assert code == 2
    assert [os.path.basename(row["file"]) for row in json.loads(out)] == ["good.png", "zz_good.png"]
    said = err.splitlines()
    assert len(said) == 6 and all(line.startswith("digitkit: ") for line in said), err
    for name, words in [("black", "blank"), ("white", "blank"), ("small", "8x8"), ("truncated", "cut off")]:
        assert [line for line in said if f"{name}.png" in line and words in line], err


@pytest.mark.parametrize("name", ["nosuch.png", "nosuch*.png", "empty"])
def test_an_argument_without_images_is_refused(tiny, call, tmp_path, name):
    (tmp_path / "empty").mkdir()
    code, out, err = call(tiny.project, "read", tmp_path / name, "--run", RUN)
    assert (code, out) == (2, "") and is_one_sentence(err) and name in err


def _edited(run):
    text = (run / "config.json").read_text()
    (run / "config.json").write_text(text.replace('"pipeline": "aspect"', '"pipeline": "simple"'))


def _with_code(run):
    import keras

    image = keras.Input((28, 28, 1))
    flat = keras.layers.Flatten()(keras.layers.Lambda(lambda x: x * 2)(image))
    answer = keras.layers.Reshape((1, 10))(keras.layers.Dense(10, activation="softmax")(flat))
    keras.Model(image, answer).save(run / "model.keras")


RUNS = {
    "no folder": (shutil.rmtree, "is no run: expected a folder with config.json"),
    "no weights": (lambda run: (run / "model.keras").unlink(), "has no weights (model.keras)"),
    "edited configuration": (_edited, "configuration was changed after the run was made"),
    "no JSON": (lambda run: (run / "config.json").write_text("{"), "not the configuration of a digitkit run"),
    "another JSON": (lambda run: (run / "config.json").write_text("[1]"), "not the configuration of a digitkit run"),
    "no text": (lambda run: (run / "config.json").write_bytes(b"\xff\x00"), "not the configuration of a digitkit run"),
    "an endless list": (
        lambda run: (run / "config.json").write_text("[" * 100_000),
        "not the configuration of a digitkit run",
    ),
    "truncated weights": (lambda run: os.truncate(run / "model.keras", 20_000), "is no readable Keras model"),
    "empty weights": (lambda run: os.truncate(run / "model.keras", 0), "is no readable Keras model"),
    "code in the weights": (_with_code, "is no readable Keras model"),
}


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_that_cannot_read_is_one_sentence_and_exit_code_2(tiny, call, tmp_path, images, kind):
    shutil.copytree(tiny.project / RUN, tmp_path / "run")
    spoil, expected = RUNS[kind]
    spoil(tmp_path / "run")
    code, out, err = call(tiny.project, "read", images / "good.png", "--run", tmp_path / "run")
    assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err


def test_a_failed_download_is_told_as_one(project, tmp_path):
    nowhere = dict(KERAS_HOME=str(tmp_path), HTTPS_PROXY="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    env = {name: value for name, value in os.environ.items() if name != "DIGITKIT_MNIST"} | nowhere
    arguments = ("scenes", "build", tmp_path / "set", "--layout", "triple", "--test", "5", "--glyphs", "mnist")
    done = command(project, "digitkit", *arguments, env=env)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert last.startswith("digitkit: MNIST is not here and cannot be downloaded (") and "is not MNIST" not in last


# ------------------------------------------------------------------ files that carry code


class Payload:
    """A pickle of this makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_in_an_npz_file_are_refused_and_not_run(tmp_path):
    np.savez(tmp_path / "digits.npz", images=np.array([Payload(tmp_path / "ran")]), labels=np.arange(1))
    with pytest.raises(InputError, match="no readable .npz file of plain arrays"):
        load_glyphs(str(tmp_path / "digits.npz"))
    assert not (tmp_path / "ran").exists()


# ------------------------------------------------------------------ two at once


def test_of_two_builds_into_one_path_the_later_is_refused_and_the_other_kept(project, tmp_path):
    line, pipe = [BIN / "digitkit", "scenes", "build", tmp_path / "set", "--test", "20000"], subprocess.PIPE
    both = {
        layout: subprocess.Popen([*line, "--layout", layout], cwd=project, stdout=pipe, stderr=pipe, text=True)
        for layout in ("triple", "ladder14")
    }
    said = {layout: process.communicate(timeout=120)[1] for layout, process in both.items()}
    first, later = sorted(both, key=lambda layout: both[layout].returncode)
    assert (both[first].returncode, both[later].returncode) == (0, 2), said
    assert is_one_sentence(said[later]) and "holds another set, 20000 scenes of" in said[later], said
    store = Store(tmp_path / "set/test.h5")
    assert (len(store.read()), store.origin["layout"]) == (20_000, first)
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["test.h5"]


# ------------------------------------------------------------------ a full disk


@pytest.fixture
def disk():
    """`disk.full_at(n)`: from here on no file of this process grows above n bytes; `disk.free()` ends it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    full_at, free = (
        lambda n: resource.setrlimit(resource.RLIMIT_FSIZE, (n, limits[1])),
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )
    yield SimpleNamespace(full_at=full_at, free=free)
    free()


def visible(folder) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def test_a_full_disk_leaves_no_half_written_run_and_the_next_call_works(project, monkeypatch, disk):
    from digitkit.runs import open_run
    from digitkit.training import train

    monkeypatch.chdir(project)
    change_settings(project, "tiny.small", epochs=1, train_scenes=24, val_scenes=24, test_scenes=24)
    config = load_config("tiny", "small")
    folder = open_run(config)
    disk.full_at(50_000)
    with pytest.raises(InputError, match="cannot write .*[Ff]ile too large|cannot write .*errno = 27"):
        train(config, folder)
    disk.free()
    assert visible(folder) == {"config.json"} and not list(folder.rglob("*.part*"))
    _, history = train(config, folder)
    assert len(history) == 1 and visible(folder) == {"config.json", "history.csv", "model.keras"}


def test_a_page_that_cannot_be_kept_says_why_and_runs_the_next_time(project, monkeypatch, disk):
    monkeypatch.chdir(project)
    page = jobs_of("tiny")[-1][0]
    key = page_key(page)
    disk.full_at(4_096)
    reason = run_page(page, key)
    disk.free()
    assert re.search("[Ff]ile too large", reason) and "\n" not in reason, reason
    assert visible(project / "reports") | visible(project / "data") <= {"audit.log"}
    assert run_page(page, key) is None and is_current(page, key)
