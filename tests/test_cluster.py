"""`--scheduler`: the same results on a Dask cluster, and what happens when its processes are killed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import BIN, EPOCHS, HERE, RUN, _prepared, alive, change_settings, rows, without_figures

from digitkit.cluster import connect
from digitkit.jobs import run_stages
from digitkit.own_process import share_of
from digitkit.pages import jobs_of
from digitkit.places import Here
from digitkit.project import InputError
from digitkit.sets import load_set
from digitkit.store import fingerprint

QUIET = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
PATH = {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}


class Dask:
    """A real scheduler and real workers on loopback, each in a process of its own."""

    def __init__(self, folder: Path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address, self.folder, self.workers = f"tcp://127.0.0.1:{self.port}", folder, []

    def _start(self, *words, **environment) -> subprocess.Popen:
        variables = os.environ | PATH | {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"} | environment
        return subprocess.Popen([BIN / "dask", *map(str, words)], cwd=self.folder, env=variables, **QUIET)

    def start_scheduler(self) -> None:
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", self.port, "--no-dashboard")

    def start_worker(self, **environment) -> subprocess.Popen:
        words = ("worker", self.address, "--nthreads", 1, "--no-dashboard", "--no-nanny")
        self.workers.append(self._start(*words, "--local-directory", self.folder, **environment))
        return self.workers[-1]

    def at_work(self) -> list[subprocess.Popen]:
        """The workers that have a process of their own for a call."""
        return [w for w in self.workers if w.poll() is None and psutil.Process(w.pid).children()]

    def stop(self) -> None:
        for process in [self.scheduler, *self.workers]:
            process.kill()
            process.wait()


def wait_for(what, seconds=120) -> bool:
    """Whether something became true in this time."""
    limit = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < limit:
        time.sleep(0.1)
    return bool(found)


def start(project: Path, dask: Dask) -> subprocess.Popen:
    """The report of `small` on a cluster, in a process group of its own."""
    words = ["report", "--profile", "tiny", "--experiment", "small", "--scheduler", dask.address]
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    return subprocess.Popen([BIN / "digitkit", *words], cwd=project, **options)


def interrupt(project: Path, dask: Dask, epochs: int, stop) -> SimpleNamespace:
    """Start the report, `stop(report)` it in the middle of its training, after so many epochs; what is left then."""
    report = start(project, dask)
    begun = wait_for(lambda: len(rows(project / RUN / "history.csv")) >= epochs or report.poll() is not None)
    stop(report)
    out, err = report.communicate(timeout=600)
    quiet = wait_for(lambda: not alive(project), 20)
    left, history = alive(project), rows(project / RUN / "history.csv")
    return SimpleNamespace(code=report.returncode, out=out, err=err, quiet=begun and quiet, left=left, history=history)


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A cluster of two workers."""
    dask = Dask(tmp_path_factory.mktemp("dask"))
    dask.start_scheduler()
    for _ in range(2):
        dask.start_worker()
    yield dask
    dask.stop()


@pytest.fixture(scope="module")
def course(dask, tmp_path_factory):
    """A training that loses its command, its scheduler and its worker, one after the other, and ends all the same."""
    project = _prepared(tmp_path_factory.mktemp("cluster"))
    without_figures(project)
    change_settings(project, "profile:tiny", experiments="small", select="")
    stopped = interrupt(project, dask, 1, lambda report: os.killpg(report.pid, signal.SIGINT))
    stopped.idle = wait_for(lambda: not dask.at_work(), 20)
    lost = interrupt(project, dask, 3, lambda report: dask.scheduler.kill())
    dask.stop()
    dask.start_scheduler()
    dask.workers = []
    for _ in range(2):
        dask.start_worker()

    def kill_worker(report):
        (worker,) = dask.at_work()
        worker.kill()

    done = interrupt(project, dask, 5, kill_worker)
    return SimpleNamespace(project=project, stopped=stopped, lost=lost, done=done)


def test_ctrl_c_is_one_sentence_and_leaves_no_work_on_the_cluster(course):
    assert course.stopped.code == 130, course.stopped.err
    assert course.stopped.err.splitlines()[-1] == "digitkit: stopped; the next call goes on from here."
    assert "Traceback" not in course.stopped.err
    assert course.stopped.quiet and course.stopped.idle and course.stopped.left == []


def test_a_scheduler_that_is_killed_ends_the_command_with_a_sentence(course):
    assert course.lost.code == 2, course.lost.err
    assert course.lost.err.splitlines()[-1].startswith("digitkit: the scheduler at tcp://127.0.0.1:")
    assert "Traceback" not in course.lost.err and course.lost.left == []


def test_a_job_goes_on_at_another_worker_when_its_own_is_killed(course):
    """Fault: a worker is killed in a training. Right: its job goes on at another, from its checkpoint."""
    assert course.done.code == 0, course.done.err
    assert "train small: done" in course.done.err and "FAILED" not in course.done.err
    first, second, end = course.stopped.history, course.lost.history, course.done.history
    assert 1 <= len(first) < len(second) < len(end) == EPOCHS
    assert second[: len(first)] == first and end[: len(second)] == second  # their seconds too: they did not run again


def test_the_job_ends_with_the_bits_of_an_undisturbed_one_on_this_machine(tiny, course):
    whole, moved = (
        pd.read_csv(project / RUN / "history.csv", dtype=str).drop(columns=["seconds", "seconds_waited"])
        for project in (tiny.project, course.project)
    )
    pd.testing.assert_frame_equal(moved, whole)
    with np.load(tiny.project / RUN / "answers.npz") as a, np.load(course.project / RUN / "answers.npz") as b:
        assert a.files == b.files
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name], strict=True)


def test_nothing_of_a_cluster_is_left_in_the_project(course):
    assert not list((course.project / "reports").glob(".*"))  # no token, no lock


# ------------------------------------------------------------------ pieces of a set, fits of a search


def test_shards_that_a_cluster_built_are_the_scenes_of_one_file(dask, call, project, tmp_path):
    of = ("--layout", "ladder14", "--train", 90, "--test", 40)
    assert call(project, "scenes", "build", tmp_path / "one", *of)[0] == 0
    code, out, err = call(
        project, "scenes", "build", tmp_path / "many", *of, "--shards", 4, "--scheduler", dask.address
    )
    assert code == 0 and out.count(" in 4 files, ") == 2, err
    assert len(list((tmp_path / "many").iterdir())) == 8
    one, many = load_set(tmp_path / "one"), load_set(tmp_path / "many")
    assert {name: fingerprint(split.read()) for name, split in one.items()} == {
        name: fingerprint(split.read()) for name, split in many.items()
    }
    code, _, err = call(project, "scenes", "build", tmp_path / "none", *of, "--scheduler", dask.address)
    assert code == 2 and "expected --shards from 1 to 40" in err


def test_fits_that_go_ahead_are_the_fits_of_the_page(tiny, project, monkeypatch):
    """With more places than jobs; the page itself finds them, and has nothing to do here."""
    shutil.copy(tiny.project / "settings.ini", project)
    monkeypatch.chdir(project)
    page = nbformat.read(project / "nbs/reports/92_select.ipynb", as_version=4)
    leaves = "for name in ('folds.csv', 'grid.csv', 'choice.json'):\n    (folder / name).write_text('{}')"
    page.cells[5:] = [nbformat.v4.new_code_cell("found = len(list(fits.glob('*.json')))\n" + leaves + "\nfound")]
    nbformat.write(page, project / "nbs/reports/92_select.ipynb")
    place = Here(2, share_of(2))
    try:
        (search,) = [job for job in jobs_of("tiny", "small") if job[0].kind.name == "select"]
        (outcome,) = run_stages([search], set(), place, print)
        assert (str(outcome[0]), *outcome[1:]) == ("select small", "done", None)
    finally:
        place.close()
    (output,) = nbformat.read(search[0].output, as_version=4).cells[-1].outputs
    kept = {path.name: json.loads(path.read_text()) for path in (project / RUN).glob("fits/*/*.json")}
    own = {path.name: json.loads(path.read_text()) for path in (tiny.project / RUN).glob("fits/*/*.json")}
    assert output.data["text/plain"] == str(len(kept)) == str(len(own))
    for fit in (*kept.values(), *own.values()):
        del fit["seconds"]
    assert kept == own


# ------------------------------------------------------------------ clusters that cannot be used


def test_a_cluster_that_cannot_be_used_is_told_in_a_sentence(call, project, tmp_path):
    of = ("--layout", "ladder14", "--train", 90, "--shards", 2)
    code, _, err = call(project, "scenes", "build", tmp_path / "set", *of, "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2 and err.startswith("digitkit: no Dask scheduler answers at tcp://127.0.0.1:9: start one with"), err
    dask, other = Dask(tmp_path), tmp_path / "other"
    dask.start_scheduler()
    assert wait_for(lambda: is_open(dask.port))
    try:
        with pytest.raises(InputError, match="no worker came to .* in 1 seconds: start some with `dask worker tcp"):
            connect(dask.address, tmp_path, wait=1)
        shutil.copytree(HERE / "digitkit", other / "digitkit", ignore=shutil.ignore_patterns("__pycache__"))
        with open(other / "digitkit/labels.py", "a") as file:
            file.write("# not as it is here\n")
        stranger = dask.start_worker(PYTHONPATH=str(other))
        with pytest.raises(InputError, match="the worker at tcp.* has digitkit's code .*: start the worker again"):
            connect(dask.address, tmp_path)
        stranger.kill()
        (other / "digitkit/cluster.py").write_text("import digitkit.of_another_version\n")
        dask.start_worker(PYTHONPATH=str(other))
        with pytest.raises(InputError, match="cannot import this digitkit .*: install the project in its environment"):
            connect(dask.address, tmp_path)
    finally:
        dask.stop()
    assert not list(tmp_path.glob(".cluster-*"))


def is_open(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_a_command_without_a_scheduler_does_not_import_dask():
    code = "import sys, digitkit.report, digitkit.set_commands; print({'dask', 'distributed'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
