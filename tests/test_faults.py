"""Bad input, a full disk, files that carry code: one clear sentence, and nothing half-written."""

import json
import os
import re
import resource
import shutil
import subprocess
import time
from contextlib import suppress
from types import SimpleNamespace

import cv2
import nbformat
import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import BIN, RUN, alive, change_settings, command

from digitkit.composing import compose
from digitkit.execution import run_page
from digitkit.glyphs import load_glyphs
from digitkit.pages import jobs_of
from digitkit.plan import is_current, page_key
from digitkit.project import InputError
from digitkit.reading import save_sealed
from digitkit.report import make_report
from digitkit.settings_file import load_config
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
    (
        ("report", "--profile", "tiny"),
        dict(experiments="small small"),
        "experiments expects every name once, got small",
    ),
    (
        ("report", "--profile", "tiny"),
        dict(tests="triple ladder14 triple"),
        "tests expects every name once, got triple",
    ),
    (("report", "--profile", "tiny"), dict(select="small small"), "select expects every name once, got small"),
    (("report", "--profile", "tiny"), dict(members="small small"), "members expects every name once, got small"),
    (("report", "--profile", "tiny"), dict(base="smoll"), "[profile:tiny]: base: unknown experiment 'smoll'."),
    (("report", "--profile", "tiny"), dict(leak="poled"), "[profile:tiny]: leak: unknown experiment 'poled'."),
    (("report", "--profile", "tiny"), dict(grid='{"folds": [2]}'), "[profile:tiny]: grid: unknown key 'folds'."),
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


NAMES = [
    dict(glyphs="mnits"),
    dict(glyphs="nowhere.npz"),
    dict(model="smal"),
    dict(segmenter="gap"),
    dict(pipeline="trim|fitt(28)"),
    dict(layouts="tripel"),
    dict(val_layout="triple+ladder("),
    dict(tests="triple ladder14(bend=much)"),
    dict(grid='{"pipeline": ["simpel"]}'),
]


@pytest.mark.parametrize("keys", NAMES, ids=str)
def test_a_name_that_no_room_knows_is_refused_with_its_line_before_anything_runs(project, call, keys):
    change_settings(project, "odd", **keys)
    change_settings(project, "profile:tiny", experiments="small odd")
    code, out, err = call(project, "report", "--profile", "tiny")
    assert (code, out) == (2, "") and is_one_sentence(err), err
    line = int(re.match(r"digitkit: settings.ini, line (\d+), \[odd\]: ", err)[1])
    assert (project / "settings.ini").read_text().splitlines()[line - 1].startswith(next(iter(keys)))
    assert not (project / "reports").exists() and not (project / "data").exists()


UNFIT = [
    (dict(model="model0", pipeline="fit(8)"), "model", "Computed output size would be zero"),
    (dict(model="small", grid='{"slots": [3, 4]}'), "grid", "slots expects 3 where the image is cut (gaps), got 4."),
]


@pytest.mark.parametrize("keys, key, expected", UNFIT, ids=str)
def test_a_reader_that_cannot_be_built_is_refused_with_its_line_before_any_page_runs(
    project, call, keys, key, expected
):
    change_settings(project, "odd", **keys)
    change_settings(project, "profile:tiny", experiments="small odd", select="odd")
    code, out, err = call(project, "report", "--profile", "tiny")
    assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err
    line = int(re.match(r"digitkit: settings.ini, line (\d+), \[odd\]: this reader cannot be built, ", err)[1])
    assert (project / "settings.ini").read_text().splitlines()[line - 1].startswith(key)
    assert not (project / "reports").exists()


SECTIONS = [
    "/elsewhere/x",
    "a/b",
    "../up",
    "figures",
    "profile:",
    "profile:a/b",
    "<script>alert(1)</script>",
    "a|b",
    "a b",
]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_is_no_name_is_refused_with_its_line_and_writes_nowhere(project, call, section):
    with open(project / "settings.ini", "a") as file:
        file.write(f"\n[{section}]\nmodel = small\n")
    before = set(project.parent.rglob("*"))
    line = len((project / "settings.ini").read_text().splitlines()) - 1
    for arguments in (("--profile", "tiny"), ("--profile", "tiny", "--experiment", section), ("--profile", section)):
        code, out, err = call(project, "report", *arguments)
        assert (code, out) == (2, "") and is_one_sentence(err), err
        assert err.startswith(f"digitkit: settings.ini, line {line}, [{section}]: expected ")
    assert set(project.parent.rglob("*")) == before


def test_outside_a_project_the_command_says_so(tmp_path, call):
    code, out, err = call(tmp_path, "report")
    assert (code, out) == (2, "") and is_one_sentence(err) and "no digitkit project" in err


def test_an_unknown_segmenter_or_model_is_refused_with_the_nearest_name(project, monkeypatch):
    from digitkit.reader import build_reader

    monkeypatch.chdir(project)
    for key, name, near in [("segmenter", "gap", "gaps"), ("model", "smal", "small")]:
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
    assert code == 1
    rows = {os.path.basename(row["file"]): row for row in json.loads(out)}
    assert all(rows[name]["text"] for name in ("good.png", "zz_good.png"))
    assert rows["black.png"]["text"] == rows["white.png"]["text"] == "" and rows["black.png"]["confidence"] == 0
    said = err.splitlines()
    assert len(said) == 4 and all(line.startswith("digitkit: ") for line in said), err
    for name, words in [("text", "a text"), ("empty", "empty"), ("small", "8x8"), ("truncated", "cut off")]:
        assert words in rows[f"{name}.png"]["error"]
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


# ------------------------------------------------------------------ pages that cannot run, processes that are killed


MAKES = {
    "90_train": ("config.json", "history.csv", "model.keras"),
    "91_evaluate": ("reading.json", "answers.npz"),
    "92_score": ("metrics.json", "slices.csv"),
    "92_select": ("folds.csv", "grid.csv", "choice.json"),
    "93_audit": ("audit.csv", "audit_splits.csv", "seen.csv", "faults.csv"),
    "94_compare": ("missing.json", "comparison.csv", "comparison.md", "summary.md"),
}
ARCHIVE = b"PK\x05\x06" + bytes(18)
EMPTY = {".json": b"{}", ".csv": b"\n", ".npz": ARCHIVE, ".keras": ARCHIVE, ".md": b""}  # whole, with nothing in them


def edit(project, name, *cells):
    """Put other cells behind the parameters of a page."""
    path = project / f"nbs/reports/{name}.ipynb"
    page = nbformat.read(path, as_version=4)
    page.cells[2:] = map(nbformat.v4.new_code_cell, cells)
    nbformat.write(page, path)


def leaves(name):
    """The code of a page that computes nothing: it leaves whole, empty files where the real one leaves its own."""
    folder = "reports/{profile}/{experiment}/seed{seed}" if name < "93" else "reports/{profile}"
    made = {file: EMPTY[os.path.splitext(file)[1]] for file in MAKES[name]}
    return f'from pathlib import Path\nfor name, data in {made}.items():\n    Path(f"{folder}", name).write_bytes(data)'


@pytest.fixture
def hollow(project, monkeypatch):
    """A project whose pages compute nothing."""
    for name in MAKES:
        edit(project, name, leaves(name))
    change_settings(project, "profile:tiny", experiments="small", jobs=1)
    monkeypatch.chdir(project)
    return project


def pages_of_report():
    """The report: the pages that were done, those that failed, and why, by page."""
    said = []
    failures = make_report("tiny", say=said.append)
    done, failed = (
        {found[1] for line in said if (found := re.fullmatch(rf"(?:\[.+\] )?([\w ]+): {state}.*", line))}
        for state in ("done", "FAILED")
    )
    reasons = dict(failure.split(": ", 1) for failure in failures)
    assert set(reasons) == failed and not any("\n" in failure for failure in failures)
    return done, reasons


def test_a_page_that_cannot_run_or_ends_too_early_is_one_line_and_the_others_go_on(hollow):
    whole = {"train small", "evaluate small", "score small", "select small", "audit", "compare"}
    assert pages_of_report() == (whole, {})
    assert pages_of_report() == (set(), {})
    edit(hollow, "91_evaluate", "print('nothing is written')")  # what was read before is there, and stays
    edit(hollow, "92_select", "import sys\nsys.exit(0)", leaves("92_select"))  # no error to papermill
    edit(hollow, "93_audit", "def broken(:\n    return", leaves("93_audit"))
    done, reasons = pages_of_report()
    assert done == {"compare"} and set(reasons) == {"evaluate small", "select small", "audit"}
    assert reasons["evaluate small"].startswith("it ended without reading.json, answers.npz (see ")
    assert reasons["select small"].startswith("it ended itself (SystemExit) before its last cell (see ")
    assert "yntax" in reasons["audit"]
    edit(hollow, "91_evaluate", leaves("91_evaluate"))
    edit(hollow, "92_select", "%time 1", leaves("92_select"))  # is no Python, and runs
    (hollow / "nbs/reports/93_audit.ipynb").write_text("[]")
    (hollow / RUN / "train.ipynb").write_text("[]")  # no reading that is of now stands behind it
    (hollow / "reports/tiny/compare.ipynb").write_text("[]")
    done, reasons = pages_of_report()
    assert done == {"train small", "evaluate small", "score small", "select small", "compare"}
    assert list(reasons) == ["audit"] and "nbs/reports/93_audit.ipynb is no notebook with cells" in reasons["audit"]


def test_a_killed_process_costs_its_own_page_only(hollow):
    edit(hollow, "90_train", "import time\ntime.sleep(5)", leaves("90_train"))
    change_settings(hollow, "profile:tiny", select="", jobs=2, seeds=2)
    line, pipe = [BIN / "digitkit", "report", "--profile", "tiny"], subprocess.PIPE
    options = dict(stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    working = subprocess.Popen(line, cwd=hollow, **options)
    report, kernels, limit = psutil.Process(working.pid), [], time.monotonic() + 120
    while len(kernels) < 2 and working.poll() is None and time.monotonic() < limit:
        time.sleep(0.1)
        with suppress(psutil.Error, ProcessLookupError):  # one of them has just ended: look again
            jobs = report.children()
            others = [process for process in alive(hollow) if process not in (report, *jobs)]
            kernels = [process for process in others if os.getpgid(process.pid) == process.pid]
    assert len(kernels) == 2
    jobs[0].kill()  # as the system does where memory runs out
    err = working.communicate(timeout=120)[1]
    assert working.returncode == 1 and "Traceback" not in err, err
    (killed,) = re.findall(r"] (.+): FAILED", err)
    other = {"train small": "small seed 1", "train small seed 1": "small"}[killed]
    assert f"{killed}: its process was killed" in err.split("failed:")[1]
    done = {"audit", *(f"{page} {other}" for page in ("train", "evaluate", "score"))}
    assert set(re.findall(r"] (.+): done", err)) == done, err
    limit = time.monotonic() + 10
    while len(alive(hollow)) > 1 and time.monotonic() < limit:
        time.sleep(0.1)
    assert "compare: done" in err and [process.pid for process in alive(hollow)] == [os.getpid()]


# ------------------------------------------------------------------ texts of other people's files


HOSTILE = "<script>alert(1)</script>|![x](http://nowhere.invalid/x.png)"


def test_a_text_from_a_file_is_a_text_in_page_summary_and_tables(tiny_copy, report):
    reports = tiny_copy / "reports/tiny"
    reading = tiny_copy / RUN / "reading.json"  # its seal finds a hand that slips; whoever means harm can seal again
    said = json.loads(reading.read_text()) | {"processor": HOSTILE}
    save_sealed(reading, said, reading.with_name("answers.npz"))
    config = json.loads((tiny_copy / RUN / "config.json").read_text())
    config["provenance"] |= {"processor": HOSTILE, "revision": HOSTILE}
    (tiny_copy / RUN / "config.json").write_text(json.dumps(config))
    faults = {"fault": HOSTILE, "score": HOSTILE}
    faults |= {f"{name}{end}": 0.5 for name in ("with", "without", "adds") for end in ("", "_low", "_high")}
    pd.DataFrame([faults]).to_csv(reports / "faults.csv", index=False)
    (reports / "small/seed0/choice.json").write_text(json.dumps({"model": f"`{HOSTILE}`"}))
    code, _, err, _ = report(tiny_copy)
    assert code == 0, err
    page = (reports / "index.html").read_text()
    assert page.count("alert(1)") >= 4 and "<script" not in page and 'nowhere.invalid/x.png"' not in page
    for name in ("summary.md", "comparison.md", "faults.md"):
        text = (reports / name).read_text()
        assert not re.search(r"(?<!\\)<script|(?<!\\)\]\(http|(?<!\\)\|!", text), name
    assert "alert(1)" in (reports / "summary.md").read_text() and "alert(1)" in (reports / "faults.md").read_text()


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


def test_a_page_that_cannot_be_kept_says_why_and_runs_the_next_time(hollow, disk):
    page = jobs_of("tiny")[-1][0]
    assert run_page(page, page_key(page)) is None  # what starts kernels is there: under the limit it would keep it
    shutil.rmtree(hollow / "reports")
    edit(hollow, "93_audit", "# " + "many words " * 1000, leaves("93_audit"))
    key = page_key(page)
    disk.full_at(4_096)
    reason = run_page(page, key)
    disk.free()
    assert re.search("[Ff]ile too large", reason) and "\n" not in reason, reason
    assert visible(hollow / "reports") | visible(hollow / "data") <= {"audit.log"}
    assert run_page(page, key) is None and is_current(page, key)
