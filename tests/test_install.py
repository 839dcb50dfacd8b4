"""The package as people install it: what it loads, what it says where an extra is missing, what its archives hold."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import BIN, HERE, rows

import digitkit
from digitkit.extras import EXTRAS
from digitkit.pages import jobs_of
from digitkit.plan import job_keys

PICTURE = HERE / "reports/example.png"
HEAVY = set().union(*EXTRAS.values())
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""
HIDDEN = f"modules = {HEAVY}{HIDE}"  # as if no extra were installed
WITH_SETS = f"modules = {HEAVY - set(EXTRAS['sets'])}{HIDE}"
COMMAND = "import sys; sys.argv[0] = 'digitkit'; from digitkit.cli import main; main()"
LOADED = """
import atexit, sys
atexit.register(lambda: print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr))
"""
PLAN = """
import json, digitkit
from digitkit.pages import KINDS, Page, jobs_of
from digitkit.plan import due, job_keys
from digitkit.preflight import check_names
from digitkit.report import comparison_key
from digitkit.settings_file import load_config
jobs = jobs_of("tiny")
check_names([job[0].config for job in jobs])
assert all(due(job) == job for job in jobs)
last = comparison_key(Page(KINDS["compare"], load_config("tiny")))
print(json.dumps([digitkit.__file__, [job_keys(job)[0] for job in jobs], last]))
"""


def python(code: str, *words, **options) -> subprocess.CompletedProcess:
    """A new Python that runs this code with these words."""
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, **options)


def loaded(code: str, *words) -> set[str]:
    """The packages that a new Python has loaded when it ends, without its own."""
    done = python(LOADED + code, *words)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()) - sys.stdlib_module_names


def test_importing_digitkit_loads_nothing_else():
    own = loaded("pass")  # what an environment loads by itself
    assert loaded("import digitkit, digitkit.cli") - own == {"digitkit"}


def test_help_and_reading_load_only_what_they_use():
    own, help_, read = loaded("pass"), loaded(COMMAND, "--help"), loaded(COMMAND, "read", PICTURE)
    assert "typer" in help_ and not help_ & (HEAVY | {"numpy", "cv2", "onnxruntime", "PIL"})
    assert {"numpy", "cv2", "onnxruntime", "PIL"} <= read and not read & HEAVY
    assert len(read - own) <= 20, read - own  # each brings its time and its memory


def test_what_is_imported_is_declared():
    text = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    base = {re.match(r"[\w-]+", line)[0] for line in text["dependencies"]}
    base = base - {"opencv-python-headless", "pillow"} | {"cv2", "PIL", "digitkit"}
    for path in (HERE / "digitkit").glob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text()))]
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
        names = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
        assert names <= base | HEAVY | {"IPython"}, path.name  # ipykernel brings IPython


def test_reading_needs_no_extra():
    done = python(HIDDEN + COMMAND, "read", PICTURE, "--format", "text")
    assert (done.returncode, done.stdout, done.stderr) == (0, "015\n5085\n", "")


SETS = """
from digitkit.cli import main
build = "scenes build set --layout triple --train 12 --val 6 --test 6"
for line in (build, "scenes info set", "scenes export set out --format csv", "audit set", "score out --draw wrong.png"):
    sys.argv = ["digitkit", *line.split()]
    try:
        main()
    except SystemExit as end:
        print("ended", end.code or 0)
"""


def test_sets_and_scores_need_one_extra(tmp_path):
    done = python(WITH_SETS + SETS, cwd=tmp_path)
    assert re.findall(r"(?m)^ended (\d)$", done.stdout) == ["0"] * 5, done.stdout + done.stderr


MISSING = {
    ("score", "set"): "sets",
    ("audit", "set"): "sets",
    ("scenes", "info", "set"): "sets",
    ("report",): "train,report",
    ("export", "run", "reader.onnx"): "train,export",
    ("read", str(PICTURE), "--run", str(HERE / "digitkit/shipped")): "train",
}


@pytest.mark.parametrize("words", MISSING, ids=[words[0] for words in MISSING])
def test_a_missing_extra_is_one_sentence_with_the_line_that_installs_it(words):
    done = python(HIDDEN + COMMAND, *words)
    assert (done.returncode, done.stdout) == (2, "")
    needs = rf"digitkit: `digitkit {words[0]}` needs \w+, which is not installed: "
    assert re.fullmatch(needs + re.escape(f"pip install 'digitkit[{MISSING[words]}]'\n"), done.stderr), done.stderr


def test_a_fault_of_our_own_stays_one():
    done = python("import sys; sys.modules['digitkit.read_command'] = None\n" + COMMAND, "read", PICTURE)
    assert done.returncode == 1 and "Traceback" in done.stderr


COMPLETE = """
eval "$(_DIGITKIT_COMPLETE=source_bash digitkit)"
for line in "digitkit sc" "digitkit read --format j"; do
  COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _digitkit_completion digitkit; echo "${COMPREPLY[@]}"
done
"""


def test_a_shell_completes_commands_and_choices():
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", COMPLETE], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == ["score scenes", "json jsonl"], done.stderr


def kept() -> set[str]:
    """The files that git keeps of this project; in a source archive all that it holds."""
    found = subprocess.run(["git", "ls-files"], cwd=HERE, capture_output=True, text=True).stdout.split()
    return set(found) or {str(path.relative_to(HERE)) for path in HERE.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The source archive, unpacked; and the wheel that is built of it, unpacked."""
    pytest.importorskip("setuptools", "77")
    place = tmp_path_factory.mktemp("archives")
    copy = place / "copy"
    for name in kept():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / name, copy / name)
    build = "from setuptools import build_meta; import sys; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
    done = python(build, "build_sdist", place, cwd=copy)
    assert done.returncode == 0, done.stderr[-2000:]
    with tarfile.open(place / done.stdout.splitlines()[-1]) as archive:
        archive.extractall(place, filter="data")
    source = place / f"digitkit-{digitkit.__version__}"
    done = python(build, "build_wheel", place, cwd=source)
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(place / done.stdout.splitlines()[-1]) as archive:
        archive.extractall(place / "wheel")
    return source, place / "wheel"


def test_the_source_archive_holds_all_that_its_tests_read(archives):
    assert {name for name in kept() if not (archives[0] / name).is_file()} == set()


def test_a_project_made_by_the_wheel_is_planned_with_the_keys_of_this_one(archives, tmp_path, monkeypatch):
    environment = os.environ | {"PYTHONPATH": str(archives[1])}
    done = python(COMMAND, "new", "mine", cwd=tmp_path, env=environment)
    assert done.returncode == 0 and "digitkit report --profile tiny" in done.stdout, done.stderr
    there = python(PLAN, cwd=tmp_path / "mine", env=environment)
    assert there.returncode == 0, there.stderr[-2000:]
    file, keys, last = json.loads(there.stdout)
    assert Path(file).is_relative_to(archives[1]) and re.fullmatch("[0-9a-f]{12}", last)
    monkeypatch.chdir(HERE)
    assert keys == [job_keys(job)[0] for job in jobs_of("tiny")]


def test_the_version_is_told_once():
    assert re.fullmatch(r"\d+\.\d+\.\d+", version := digitkit.__version__)
    assert re.search(r"(?m)^version: (.+)$", (HERE / "CITATION.cff").read_text())[1] == version
    assert re.search(r"(?m)^## (\S+)", (HERE / "CHANGELOG.md").read_text())[1] == version


def test_the_workflow_runs_on_every_python_that_is_allowed():
    described = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["requires-python"]
    first, end = map(int, re.findall(r"3\.(\d+)", described))
    workflow = (HERE / ".github/workflows/tests.yml").read_text()
    assert [int(minor) for minor in re.findall(r'"3\.(\d+)"', workflow)] == list(range(first, end))
    assert "run: .ci/run" in workflow and os.access(HERE / ".ci/run", os.X_OK)


def test_the_model_card_has_the_figures_of_the_report_and_every_link_leads_somewhere():
    card = (HERE / "MODEL_CARD.md").read_text()
    assert (HERE / "reports/full/pictures/overview.md").read_text() in card
    assert not [path for path in re.findall(r"`(\w+\.onnx)`", card) if not (HERE / "digitkit/shipped" / path).is_file()]
    for page in ("MODEL_CARD.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\(([^)#]+)", (HERE / page).read_text())
        assert links and not [link for link in links if not (HERE / link).exists()], page


@pytest.mark.skipif("DIGITKIT_INSTALL" not in os.environ, reason="it installs from the index: set DIGITKIT_INSTALL")
def test_a_fresh_environment_reads_in_less_than_450_MB(archives, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    begun, bin_ = time.monotonic(), tmp_path / "venv/bin"
    subprocess.run([bin_ / "pip", "install", "--quiet", "--no-cache-dir", archives[0]], check=True)
    files = [path for path in (tmp_path / "venv").rglob("*") if path.is_file() and not path.is_symlink()]
    print(f"{time.monotonic() - begun:.0f} s, {(size := sum(path.stat().st_size for path in files)) / 1e6:.0f} MB")
    assert size < 450e6
    line = [bin_ / "digitkit", "read", PICTURE, "--format", "csv", "-o", "read.csv"]
    subprocess.run(line, cwd=tmp_path, check=True)
    assert [row.split(",")[1] for row in rows(tmp_path / "read.csv")] == ["015", "5085"]
