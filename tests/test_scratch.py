"""What a report leaves where temporary files go: nothing, however it ends; real reports, really stopped."""

import os
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from conftest import BIN


def left_in(place) -> list[str]:
    """What digitkit and the kernels that it starts left in a place for temporary files."""
    return sorted(path.name for path in place.iterdir() if path.name.startswith(("digitkit-", "tmp")))


@pytest.fixture
def short():
    """A place whose name is short enough for sockets, as pytest's own folders are not."""
    with TemporaryDirectory(dir="/tmp") as place:
        yield Path(place)


def test_a_report_that_is_stopped_from_outside_leaves_no_temporary_file(project, short):
    """Fault: a report gets SIGTERM. Right: one sentence, exit code 130, and nothing temporary is left."""
    env = os.environ | {"TMPDIR": str(short)}
    line = [BIN / "digitkit", "report", "--profile", "tiny", "--experiment", "small"]
    with subprocess.Popen(line, cwd=project, env=env, stderr=subprocess.PIPE, text=True) as report:
        while not any(short.glob("digitkit-*/tmp*")) and report.poll() is None:
            time.sleep(0.05)
        report.send_signal(signal.SIGTERM)
        said = report.communicate(timeout=60)[1]
    assert report.returncode == 130, said
    assert said.endswith("digitkit: stopped; the next call goes on from here.\n") and left_in(short) == []


def test_a_place_for_temporary_files_with_a_long_name_is_replaced_by_a_shorter_one(project, tmp_path):
    """Fault: `TMPDIR` has 125 letters, too many for a socket. Right: a shorter place is taken, and a page runs."""
    place = tmp_path / ("x" * (124 - len(str(tmp_path))))
    place.mkdir()
    path = project / "nbs/reports/90_train.ipynb"
    page = nbformat.read(path, as_version=4)
    page.cells.insert(0, nbformat.v4.new_code_cell("raise SystemExit"))  # it runs, and no longer than it must
    nbformat.write(page, path)
    line = [BIN / "digitkit", "report", "--profile", "tiny", "--experiment", "slots"]
    done = subprocess.run(line, cwd=project, env=os.environ | {"TMPDIR": str(place)}, capture_output=True, text=True)
    assert len(str(place)) == 125 and "train slots: FAILED: it ended itself (SystemExit)" in done.stderr, done.stderr
