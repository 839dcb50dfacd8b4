"""The pages of one experiment run by hand: their parameters, their overrides, and a sweep over these."""

import json
import re

import nbformat
import pytest
from conftest import HERE, change_settings, command, play

from digitkit.pages import KINDS
from digitkit.sweeps import sweep_table

PAGES = sorted(HERE.glob("nbs/reports/*.ipynb"))
MISTAKES = [
    (("-p", "experimnet", "small"), "unknown parameter 'experimnet'. Did you mean 'experiment'?"),
    (("-y", "overrides: {learning_rat: 0.01}"), "overrides: unknown key 'learning_rat'. Did you mean 'learning_rate'?"),
]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_page_knows_its_parameters(page):
    """What a page says that it takes is what its cell of parameters has."""
    cells = [cell for cell in nbformat.read(page, as_version=4).cells if cell.cell_type == "code"]
    (given,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    (check,) = [
        found for cell in cells for found in re.findall(r"(?m)^check_parameters\(globals\(\)(.*)\)$", cell.source)
    ]
    known = re.findall(r'"(\w+)"', check) or ["profile", "experiment", "seed", "overrides"]
    assert re.findall(r"(?m)^(\w+)(?:: [^=]+)? = ", given) == known


@pytest.mark.parametrize("given, expected", MISTAKES, ids=["a parameter", "an override"])
def test_a_mistake_in_a_parameter_ends_the_page_in_its_first_cell(project, given, expected):
    """Fault: papermill is given a parameter that the page does not have, or a key that no setting has.
    Right: the page fails in its first cell and names the nearest one.
    """
    done = command(project, "papermill", "nbs/reports/90_train.ipynb", "out.ipynb", *given, "--no-progress-bar")
    said = [line for line in done.stderr.splitlines() if line.startswith("InputError: ")]
    assert done.returncode == 1 and expected in said[-1], done.stderr
    cells = [cell for cell in nbformat.read(project / "out.ipynb", as_version=4).cells if cell.cell_type == "code"]
    ran = [cell.source for cell in cells if cell.execution_count]
    assert "check_parameters" in ran[-1] and not any("keras" in text for text in ran)
    assert not (project / "reports").exists()


def test_the_parameters_of_a_page_are_described(project):
    done = command(project, "papermill", "--help-notebook", "nbs/reports/90_train.ipynb")
    assert done.returncode == 0 and "Unknown type" not in done.stdout
    for name, kind in dict(profile="str", experiment="str", seed="int", overrides="dict").items():
        assert re.search(rf"(?m)^  {name}: {kind} \(default .+\)\s+\S+", done.stdout), done.stdout


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.notebook)
def test_every_page_of_an_experiment_checks_its_parameters_first(kind):
    page = nbformat.read(HERE / f"nbs/reports/{kind.notebook}.ipynb", as_version=4)
    first = [cell.source for cell in page.cells if cell.cell_type == "code"][1]
    if kind.notebook < "94":
        assert "check_parameters(globals()" in first and f"load_config({', '.join(kind.takes)})" in first
        assert set(re.findall("digitkit[.](\\w+)", first)) == {"settings_file"}


GATHER = 'from digitkit.sweeps import sweep_table; print(sweep_table("tiny", "small")[0].to_csv(index=False))'


def test_a_sweep_leaves_a_run_per_value_and_one_line_gathers_them(project, monkeypatch, capsys):
    """The loop of README, each page in this process instead of a kernel of its own."""
    monkeypatch.chdir(project)
    small = dict(train_scenes=40, val_scenes=10, test_scenes=20, tests="triple", epochs=1, layouts="triple")
    change_settings(project, "tiny.small", **small)
    for given in ({}, {"learning_rate": 0.01}):
        for page in ("90_train", "91_evaluate", "92_score"):
            play(project, page, profile="tiny", experiment="small", seed=0, overrides=given)
    found = project.glob("reports/tiny/*/seed0/config.json")
    runs = {path.parents[1].name: json.loads(path.read_text()) for path in found}
    assert set(runs) == {"small", "small@learning_rate=0.01"}
    plain, own = runs["small"], runs["small@learning_rate=0.01"]
    assert own["config"]["overrides"] == {"learning_rate": "0.01"} and "overrides" not in plain["config"]
    assert own["config"]["learning_rate"] == 0.01 and own["fingerprint"] != plain["fingerprint"]
    rows, missing = sweep_table("tiny", "small")
    assert missing == {} and list(rows)[0] == "learning_rate" and rows["learning_rate"].tolist() == [0.001, 0.01]
    capsys.readouterr()
    exec(GATHER)
    assert capsys.readouterr().out.splitlines()[1].startswith("0.001,small,triple,0,20,")
