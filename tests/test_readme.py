"""README is true: what it says to type does what it says."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
from conftest import BIN, HERE, change_settings

README = (HERE / "README.md").read_text()
NOT_HERE = ("make report", "make test")  # the first needs minutes, the second is this


def blocks(kind: str) -> list[str]:
    """The texts of README's code blocks of a kind, in order."""
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def shell(project, line: str) -> subprocess.CompletedProcess:
    """A line of README, typed in a project whose environment is active."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-c", line], cwd=project, capture_output=True, text=True, env=environment)


def with_example(project):
    """A copy of the project with the picture that README reads."""
    (project / "reports").mkdir(exist_ok=True)
    shutil.copy(HERE / "reports/example.png", project / "reports")
    return project


def test_what_is_typed_prints_what_stands_below_it(project):
    with_example(project)
    shown = [part for block in blocks("console") if block.startswith("$ ") for part in block.split("$ ")[1:]]
    assert len(shown) == 2
    for part in shown:
        line, _, expected = part.partition("\n")
        done = shell(project, line)
        assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_the_lines_of_python_print_what_stands_beside_them(project):
    with_example(project)
    (text,) = [block for block in blocks("python") if "print" in block]
    done = subprocess.run([sys.executable, "-c", text], cwd=project, capture_output=True, text=True)
    assert done.stdout.splitlines() == re.findall(r"print\(.*?# (.+)", text), done.stderr


def test_every_other_command_ends_well(project):
    change_settings(project, "quick.small", epochs=1, train_scenes=24)
    change_settings(project, "profile:quick", val_scenes=24)
    lines = [line for block in blocks("console") if not block.startswith("$ ") for line in block.splitlines()]
    lines = [line for line in lines if not line.startswith(NOT_HERE)]
    assert len(lines) >= 5
    for line in lines:
        done = shell(project, line)
        assert done.returncode == 0, f"{line}: {done.stderr[-2000:]}"


def test_an_experiment_and_a_model_are_added_as_it_says(project):
    (section,) = blocks("ini")
    name, keys = re.match(r"\[(\w+)\]\n(.*)", section, re.DOTALL).groups()
    change_settings(project, name, **dict(re.findall(r"(\w+) = (\w+)", keys)))
    (cell,) = [block for block in blocks("python") if "@architecture" in block]
    path = project / "nbs/31_models.ipynb"
    models = nbformat.read(path, as_version=4)
    models.cells.append(nbformat.v4.new_code_cell(cell))
    nbformat.write(models, path)
    assert shell(project, "nbdev-export").returncode == 0
    change_settings(project, "broad", model="wide")
    build = "from digitkit.settings_file import load_config; from digitkit.reader import build_reader; "
    build += "print(*(build_reader(load_config('quick', name)).network.name for name in ('watershed', 'broad')))"
    done = subprocess.run([sys.executable, "-c", build], cwd=project, capture_output=True, text=True)
    assert done.stdout.split() == ["model0", "wide"], done.stderr[-2000:]


def test_every_link_leads_to_a_file():
    for page in ("README.md", "reports/README.md", "nbs/README.md"):
        links = re.findall(r"\]\(([^)#]+)", (HERE / page).read_text())
        missing = [link for link in links if not ((HERE / page).parent / link).exists()]
        assert links and not missing, (page, missing)
