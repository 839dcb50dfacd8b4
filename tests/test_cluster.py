"""`--scheduler`: the same results on a Dask cluster, and what happens when its processes are killed."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from conftest import BIN, EPOCHS, HERE, RUN, _prepared, alive, change_settings, rows, without_figures

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
    assert course.done.code == 0, course.done.err
    assert "train small: done" in course.done.err and "FAILED" not in course.done.err
    first, second, end = course.stopped.history, course.lost.history, course.done.history
    assert 1 <= len(first) < len(second) < len(end) == EPOCHS
    assert second[: len(first)] == first and end[: len(second)] == second  # their seconds too: they did not run again
