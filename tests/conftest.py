"""A copy of the project for every test, the command run in it, and the reports that the tests share."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from configparser import ConfigParser
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from IPython.display import display

from digitkit.kernels import SHARED, shared_kernels
from digitkit.report import make_report

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE, BIN = Path(__file__).parents[1], Path(sys.executable).parent
RUN = Path("reports/tiny/small/seed0")
EPOCHS = 8
SLOW = "report cluster probe faults scores resume site read export readme backends mnist find scratch".split()
FIGURES = "show|heat|curves|rows"  # the rooms that draw
DRAWS = r"\bshow_|\bpool\b"  # what draws, and what draws digits from a pool for it


def pytest_configure(config):
    # a shell ignores Ctrl-C in what it starts in the background, and children inherit that; a handler they do not
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernels = ExitStack()
    kernels.enter_context(shared_kernels())  # whichever process of this test run, and command in it, asks for them
    config.add_cleanup(kernels.close)
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation:DeprecationWarning")  # Keras' own


def pytest_collection_modifyitems(items):
    """The slowest files first: whoever of several processes takes the last one takes a short one."""
    names = {item: item.path.stem.removeprefix("test_") for item in items}
    items.sort(key=lambda item: SLOW.index(names[item]) if names[item] in SLOW else len(SLOW))


def copy_project(folder: Path) -> Path:
    """The project without its data and reports."""
    for name in ("nbs", "digitkit"):  # with what is compiled: to compile it again takes a second each time
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("settings.ini", "pyproject.toml", "README.md"):
        shutil.copy(HERE / name, folder / name)
    return folder


def change_settings(project: Path, section: str, **keys) -> None:
    """Set keys in a section of the copy's settings.ini; a new section where there is none."""
    parser = ConfigParser(interpolation=None, default_section="none", inline_comment_prefixes=("#",))
    parser.read(project / "settings.ini")
    if section not in parser:
        parser.add_section(section)
    parser[section].update({key: str(value) for key, value in keys.items()})
    with open(project / "settings.ini", "w") as file:
        parser.write(file)


def without_figures(project: Path) -> None:
    """Cut a copy's comparison down to its tables and sentences: its figures take three quarters of its time."""
    path = project / "nbs/reports/94_compare.ipynb"
    page = nbformat.read(path, as_version=4)
    for cell in page.cells:
        cell.source = re.sub(rf"from digitkit\.({FIGURES}) import .*\n?", "", cell.source)
    page.cells = [cell for cell in page.cells if cell.cell_type != "code" or not re.search(DRAWS, cell.source)]
    nbformat.write(page, path)


def pages_done(said: str) -> set[str]:
    """The pages that a report ran to their end, from what it said."""
    return set(re.findall(r"(?:^|] )(\w[\w ]*): done", said, re.MULTILINE))


def command(project: Path, *arguments, **options) -> subprocess.CompletedProcess:
    """An installed command, run in a copy of the project."""
    line = [BIN / arguments[0], *map(str, arguments[1:])]
    return subprocess.run(line, cwd=project, capture_output=True, text=True, timeout=900, **options)


def play(project: Path, name: str, **parameters) -> dict:
    """Run the code of a page in this process, its parameters set as papermill sets them; the names that it leaves."""
    names = {"display": display}
    for cell in nbformat.read(project / f"nbs/reports/{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
        if "parameters" in cell.metadata.get("tags", ()):
            names.update(parameters)
    return names


def rows(path: Path) -> list[str]:
    """The rows of a CSV file without its header; none if it is not there."""
    return path.read_text().splitlines()[1:] if path.is_file() else []


def alive(project: Path) -> list[psutil.Process]:
    """The processes that work in a copy of the project."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(project) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def stop_report(project: Path, epochs: int, stop) -> SimpleNamespace:
    """Start the report of `small` in its own process group, `stop(pid)` it after so many epochs; wait for quiet."""
    line, pipe = [BIN / "digitkit", "report", "--profile", "tiny", "--experiment", "small"], subprocess.PIPE
    env = {name: value for name, value in os.environ.items() if name != SHARED}  # with kernels of its own
    report = subprocess.Popen(line, cwd=project, stdout=pipe, stderr=pipe, text=True, start_new_session=True, env=env)
    limit = time.monotonic() + 120
    while len(rows(project / RUN / "history.csv")) < epochs and report.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    family = psutil.Process(report.pid).children(recursive=True)
    stop(report.pid)
    _, left = psutil.wait_procs(family, timeout=10)
    limit = time.monotonic() + 10
    while alive(project) and time.monotonic() < limit:
        time.sleep(0.1)
    left += [process for process in alive(project) if process not in left]
    for process in left:
        process.kill()
    out, err = report.communicate(timeout=30)
    history = rows(project / RUN / "history.csv")
    files = sorted(str(path.relative_to(project)) for path in project.glob("reports/**/*") if path.is_file())
    return SimpleNamespace(code=report.returncode, out=out, err=err, left=left, history=history, files=files)


@pytest.fixture
def project(tmp_path):
    """A copy of the project in which nothing has run."""
    return copy_project(tmp_path)


@pytest.fixture
def call(capsys, monkeypatch):
    """The command in this process, where TensorFlow is loaded once: (exit code, stdout, stderr)."""
    from digitkit.cli import main

    def call(project, *arguments):
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "argv", ["digitkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def report(capfd, monkeypatch):
    """The tiny report of a copy in this process: exit code, stdout, stderr, and the pages that ran to their end."""
    from digitkit.cli import main

    def report(project, *arguments):
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "argv", ["digitkit", "report", "--profile", "tiny", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()  # its progress goes to the terminal itself, past `sys.stderr`
        return end.value.code or 0, out, err, pages_done(err)

    return report


def _prepared(folder: Path) -> Path:
    """A copy whose experiment `small` trains long enough to be stopped in between."""
    project = copy_project(folder)
    change_settings(project, "profile:tiny", grid='{"batch_size": [64]}')
    change_settings(project, "tiny.small", epochs=EPOCHS, train_scenes=250)
    change_settings(project, "tiny.columns", epochs=1)
    return project


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """`shared(name, make)`: a folder that `make` fills once for all processes of a test run; the others wait for it."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place

    def shared(name: str, make) -> Path:
        with open(place / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder, whole = place / name, place / f"{name}.whole"
            if not whole.exists():
                assert not folder.exists(), f"{name} could not be made: its first test says why"
                folder.mkdir()
                make(folder)
                whole.touch()
        return folder

    return shared


def _make_tiny(folder: Path) -> None:
    """The tiny report of a copy of the project, and what the command said."""
    done = command(_prepared(folder), "digitkit", "report", "--profile", "tiny")
    said = dict(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)
    (folder / "said.json").write_text(json.dumps(said))


@pytest.fixture(scope="session")
def tiny(shared):
    """The tiny report, made once and undisturbed: its project and the finished command. Tests do not write in it."""
    project = shared("tiny", _make_tiny)
    done = SimpleNamespace(**json.loads((project / "said.json").read_text()))
    return SimpleNamespace(project=project, done=done, reports=project / "reports/tiny")


@pytest.fixture(scope="session")
def tables(tiny, shared):
    """The tiny report with a comparison `without_figures`, all up to date, its pages one at a time."""

    def make(project):
        shutil.copytree(tiny.project, project, dirs_exist_ok=True)
        without_figures(project)
        change_settings(project, "profile:tiny", jobs=1)
        said = []
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(project)
            assert make_report("tiny", say=said.append) == []
        assert pages_done("\n".join(said)) == {"compare"}, said

    return shared("tables", make)


@pytest.fixture
def tiny_copy(tables, tmp_path):
    """A copy of the tiny report, its comparison without figures, that a test may change."""
    shutil.copytree(tables, tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(scope="session")
def troubled(tmp_path_factory):
    """`small` again: stopped by Ctrl-C, then killed; then left to end."""
    project = _prepared(tmp_path_factory.mktemp("troubled"))
    without_figures(project)
    change_settings(project, "profile:tiny", experiments="small", select="")
    interrupted = stop_report(project, 1, lambda pid: os.killpg(pid, signal.SIGINT))
    killed = stop_report(project, len(interrupted.history) + 2, lambda pid: os.kill(pid, signal.SIGKILL))
    done = command(project, "digitkit", "report", "--profile", "tiny", "--experiment", "small")
    return SimpleNamespace(
        project=project, reports=project / "reports/tiny", interrupted=interrupted, killed=killed, done=done
    )
