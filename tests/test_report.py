"""`digitkit report`: what it leaves, what it says, and what it runs again."""

import json
import re
import shutil
import subprocess
import time

import nbformat
import pandas as pd
import pytest
from conftest import BIN, EPOCHS, RUN, change_settings, command

from digitkit.lock import holder, locked
from digitkit.metrics import METRICS
from digitkit.pages import jobs_of
from digitkit.plan import due

WHOLE = ("slots", "slots_views")
FACTS = ["experiment", "test", "seeds", "n_scenes", "n_glyphs", "epoch", "params", "fit_seconds"]


def stale(project, monkeypatch) -> set[str]:
    """The pages that the next report would run, without the comparison."""
    monkeypatch.chdir(project)
    return {str(page) for job in jobs_of("tiny") for page in due(job)}


def test_the_report_leaves_its_page_tables_and_figures(tiny):
    assert tiny.done.returncode == 0, tiny.done.stderr
    for name in ("index.html", "comparison.csv", "comparison.md", "audit.csv"):
        assert (tiny.reports / name).stat().st_size > 100
    assert len(list((tiny.reports / "figures").glob("*.png"))) >= 10
    assert not list(tiny.project.glob("**/*.part*"))


def test_the_comparison_has_the_promised_columns(tiny):
    table = pd.read_csv(tiny.reports / "comparison.csv")
    assert list(table.columns[: len(FACTS)]) == FACTS
    assert {f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")} <= set(table.columns)
    pairs = {(name, test) for name in ("small", *WHOLE, "columns") for test in ("triple", "ladder14")}
    assert set(zip(table["experiment"], table["test"])) == pairs | {("columns", "crowd")} and len(table) == 9
    views = table[table["experiment"] == "slots_views"]
    alone = table[table["experiment"] == "slots"]
    assert views["epoch"].isna().all() and set(views["params"]) == set(alone["params"])
    assert (table["n_scenes"] == 60).all() and (table["exact_match_low"] <= table["exact_match_high"]).all()


def test_the_table_is_printed_and_progress_is_told(tiny):
    table = (tiny.reports / "summary.md").read_text()
    assert table in tiny.done.stdout and "reports/tiny/index.html" in tiny.done.stdout
    assert "\n- Everything was trained on one kind of processor: " in table
    assert re.search(rf"train small: epoch \d of {EPOCHS}, .*at most \d+:\d\d left", tiny.done.stderr)
    for name in ("train slots", "evaluate small", "score small", "select small", "evaluate slots_views", "audit"):
        assert re.search(rf"\[\d+/14\] {name}: done", tiny.done.stderr)
    assert "compare: done" in tiny.done.stderr


def test_a_second_report_runs_nothing(tiny):
    def times():
        files = [*tiny.project.glob("reports/**/*"), *tiny.project.glob("data/**/*")]
        return {path: path.stat().st_mtime_ns for path in files if path.is_file()}

    before = times()
    again = command(tiny.project, "digitkit", "report", "--profile", "tiny")
    assert again.returncode == 0 and again.stderr.count("up to date") == 14, again.stderr
    assert times() == before
    assert again.stdout == tiny.done.stdout


def test_kept_pages_are_small_and_carry_their_key(tiny):
    for name in (RUN / "train.ipynb", RUN / "evaluate.ipynb", RUN / "score.ipynb", "reports/tiny/audit.ipynb"):
        page = tiny.project / name
        assert page.stat().st_size < 500_000
        assert re.fullmatch("[0-9a-f]{12}", nbformat.read(page, as_version=4).metadata["digitkit"]["key"])


def test_papermill_parameters_arrive_also_after_nbdev_clean(project):
    for page in sorted((project / "nbs/reports").glob("*.ipynb")):
        change = nbformat.read(page, as_version=4)
        change.cells[1].metadata["scrolled"] = True
        nbformat.write(change, page)
    assert command(project, "nbdev-clean").returncode == 0
    for page in sorted((project / "nbs/reports").glob("*.ipynb")):
        tags = [cell.metadata for cell in nbformat.read(page, as_version=4).cells]
        assert tags[1] == {"tags": ["parameters"]} and "tags" not in tags[0], page.name
    path = project / "nbs/reports/90_train.ipynb"
    page = nbformat.read(path, as_version=4)
    page.cells[3:] = [nbformat.v4.new_code_cell("print(config.profile, config.experiment, config.seed)")]
    nbformat.write(page, path)  # what it trains then, a line of README does
    line = "nbs/reports/90_train.ipynb out.ipynb -p profile tiny -p experiment small -p seed 3"
    done = command(project, "papermill", *line.split())
    assert done.returncode == 0, done.stderr
    (said,) = nbformat.read(project / "out.ipynb", as_version=4).cells[-1].outputs
    assert said.text == "tiny small 3\n"


def test_a_second_report_at_once_says_who_makes_the_first(project, report):
    page = nbformat.read(project / "nbs/reports/90_train.ipynb", as_version=4)
    page.cells[2:] = [nbformat.v4.new_code_cell("import time\ntime.sleep(600)")]
    nbformat.write(page, project / "nbs/reports/90_train.ipynb")
    lock, pipe = project / "reports/.tiny.lock", subprocess.PIPE
    line = [BIN / "digitkit", "report", "--profile", "tiny", "--experiment", "small"]
    first = subprocess.Popen(line, cwd=project, stdout=pipe, stderr=pipe, start_new_session=True)
    while first.poll() is None and holder(lock) == "another process":
        time.sleep(0.1)
    code, out, err, _ = report(project, "--experiment", "slots")
    assert code == 2 and re.fullmatch(
        rf"digitkit: the report of tiny is being made already, by process {first.pid} of \S+ on \S+, since [-0-9: ]+: "
        r"wait for its end, or stop it\.\n",
        err,
    )
    first.kill()
    first.communicate()
    assert lock.exists()  # what it wrote stays, and means nothing
    with locked(lock, "the report of tiny"):
        pass
    assert not lock.exists()


def test_nothing_is_stale_after_the_report(tiny, monkeypatch):
    assert stale(tiny.project, monkeypatch) == set()


def test_a_lost_file_makes_its_page_run_again(tiny_copy, monkeypatch):
    (tiny_copy / RUN / "metrics.json").unlink()
    assert stale(tiny_copy, monkeypatch) == {"score small"}
    (tiny_copy / RUN / "reading.json").unlink()
    assert stale(tiny_copy, monkeypatch) == {"evaluate small", "score small"}
    (tiny_copy / RUN / "model.keras").unlink()
    assert stale(tiny_copy, monkeypatch) == SMALL


def test_older_scores_do_not_stand_for_an_evaluation_that_fails(tiny_copy, report):
    shutil.copy(tiny_copy / "reports/tiny/slots/seed0/model.keras", tiny_copy / RUN)  # whole, and another network's
    read = [tiny_copy / RUN / name for name in ("answers.npz", "reading.json", "history.csv", "config.json")]
    before = [file.read_bytes() for file in (*read, tiny_copy / RUN / "model.keras")]
    change_settings(tiny_copy, "tiny.small", tests="triple", seeds=2)
    change_settings(tiny_copy, "profile:tiny", select="")
    code, _, err, pages = report(tiny_copy, "--experiment", "small")
    assert code == 1 and "evaluate small: FAILED" in err, err
    assert "train small: done" not in err and "90_train" not in err, err
    assert [file.read_bytes() for file in (*read, tiny_copy / RUN / "model.keras")] == before  # until it is read anew
    table = pd.read_csv(tiny_copy / "reports/tiny/comparison.csv").set_index("experiment")
    assert set(table.index) == {*WHOLE, "columns", "small"} and (table.loc["small", "seeds"] == 1).all()
    page = (tiny_copy / "reports/tiny/index.html").read_text()
    assert re.search(r"<strong>small seed 0</strong>: not finished", page)
    assert "small (seed 1, epoch" in page  # what is shown of it is the seed that finished


def test_a_report_without_weights_is_whole_until_they_are_asked_for(tiny_copy, report, monkeypatch):
    before = (tiny_copy / "reports/tiny/comparison.csv").read_text()
    for weights in tiny_copy.glob("reports/**/model.keras"):
        weights.unlink()  # they are not kept in git
    assert stale(tiny_copy, monkeypatch) == set()
    left = "small slots columns"  # so the comparison is made again
    change_settings(tiny_copy, "profile:tiny", experiments=left, select="")
    code, _, err, pages = report(tiny_copy)
    assert code == 0 and pages == {"compare"}, err
    assert (tiny_copy / "reports/tiny/comparison.csv").read_text() != before  # slots_views has left it
    asked = [str(page) for page in due(jobs_of("tiny", "small")[0], weights=True)]
    assert asked == ["train small", "evaluate small", "score small"]


def test_an_ensemble_that_changes_trains_its_members_where_their_weights_are_missing(tiny_copy, report, monkeypatch):
    for weights in tiny_copy.glob("reports/**/model.keras"):
        weights.unlink()
    for file in tiny_copy.glob("reports/**/config.json"):  # the runs of another machine
        config = json.loads(file.read_text())
        config["provenance"]["processor"] = "another"
        file.write_text(json.dumps(config))
    change_settings(tiny_copy, "slots_views", views=2)
    code, _, err, pages = report(tiny_copy)
    assert code == 0, err
    read = {f"{page} {name}" for page in ("evaluate", "score") for name in WHOLE}
    assert pages == {"train slots", *read, "compare"}
    runs = {name: tiny_copy / f"reports/tiny/{name}/seed0" for name in ("slots", "small")}
    origin = {n: json.loads((run / "config.json").read_text())["provenance"]["processor"] for n, run in runs.items()}
    assert origin["slots"] != "another" == origin["small"]
    assert json.loads((runs["slots"] / "metrics.json").read_text())["processor"] == origin["slots"]


def test_a_page_that_fails_stops_no_other_and_its_experiment_is_named_and_not_in_the_table(tiny_copy, report):
    change_settings(tiny_copy, "profile:tiny", experiments="paired small slots slots_views columns", select="")
    change_settings(tiny_copy, "paired", layouts="sabour6")
    (tiny_copy / RUN / "metrics.json").unlink()
    code, _, err, pages = report(tiny_copy)
    assert code == 1 and "Traceback" not in err and pages == {"score small", "compare"}, err
    failed = err.split("failed:")[1]
    assert "train paired: " in failed and "this reader takes scenes of 3 digits each, got 2." in failed
    reports = tiny_copy / "reports/tiny"
    assert (reports / "paired/seed0/train.ipynb").is_file()
    assert set(pd.read_csv(reports / "comparison.csv")["experiment"]) == {"small", *WHOLE, "columns"}
    assert "<strong>paired seed 0</strong>: not finished" in (reports / "index.html").read_text()


def test_a_reader_of_other_tests_than_the_profile_s_is_compared_on_its_own(tiny_copy, report):
    change_settings(tiny_copy, "profile:tiny", experiments="small", select="")
    change_settings(tiny_copy, "tiny.small", tests="ladder10")
    code, _, err, pages = report(tiny_copy)
    assert code == 0 and {"evaluate small", "score small", "compare"} <= pages, err
    page = (tiny_copy / "reports/tiny/index.html").read_text()
    assert "No network that is finished reads all tests of this profile. Readers are compared on ladder10." in page
    table = pd.read_csv(tiny_copy / "reports/tiny/comparison.csv")
    assert table[["experiment", "test"]].values.tolist() == [["small", "ladder10"]]


SMALL = {"train small", "evaluate small", "score small"}
SCORED = {f"score {name}" for name in ("small", *WHOLE, "columns")}
EVALUATED = SCORED | {f"evaluate {name}" for name in ("small", *WHOLE, "columns")}
CHANGES = [
    ("tiny.small", dict(dropout=0.1), SMALL | {"select small"}),
    ("pooled", dict(dropout=0.1), {"audit"}),
    (
        "slots",
        dict(learning_rate=0.01),
        {"train slots"} | {f"{page} {name}" for page in ("evaluate", "score") for name in WHOLE},
    ),
    ("slots_views", dict(views=3), {"evaluate slots_views", "score slots_views"}),
    ("profile:tiny", dict(resamples=50), SCORED | {"select small", "audit"}),
    ("profile:tiny", dict(test_scenes=50), EVALUATED | {"select small", "audit"}),
    ("profile:tiny", dict(tests="ladder14"), EVALUATED | {"select small", "audit"}),  # columns has tests of its own
    ("profile:tiny", dict(folds=3), {"select small"}),
    ("profile:tiny", dict(jobs=3), set()),
    ("profile:quick", dict(epochs=1), set()),
]


@pytest.mark.parametrize(
    "section, keys, touched", CHANGES, ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:40]
)
def test_a_change_of_settings_runs_what_it_touches(tiny_copy, monkeypatch, section, keys, touched):
    change_settings(tiny_copy, section, **keys)
    assert stale(tiny_copy, monkeypatch) == touched


def test_a_change_of_code_runs_the_pages_that_use_it(tiny_copy, monkeypatch):
    with open(tiny_copy / "digitkit/training.py", "a") as file:
        file.write("\n# a comment\n")
    assert stale(tiny_copy, monkeypatch) == set()
    with open(tiny_copy / "digitkit/models.py", "a") as file:
        file.write("\n@architecture\ndef wide(image, slots, classes, dropout):\n    return image\n")
    assert stale(tiny_copy, monkeypatch) == {"select small"}  # a search may try any model
    with open(tiny_copy / "digitkit/training.py", "a") as file:
        file.write("\nMONITOR = 'val_loss'\n")
    trained = {f"train {name}" for name in ("small", "slots", "columns")}
    assert stale(tiny_copy, monkeypatch) == EVALUATED | trained | {"select small", "audit"}


def test_a_mended_text_and_a_lost_page_of_a_finished_training_run_nothing_but_the_comparison(
    tiny_copy, report, monkeypatch
):
    (tiny_copy / RUN / "train.ipynb").unlink()
    (tiny_copy / "reports/tiny/index.html").unlink()
    for path in (tiny_copy / "nbs/reports").glob("*.ipynb"):
        page = nbformat.read(path, as_version=4)
        page.cells[0].source += "\n\nOne more sentence."
        page.cells[-1].source += "\n# a comment"
        nbformat.write(page, path)
    assert stale(tiny_copy, monkeypatch) == set()
    code, _, err, pages = report(tiny_copy)
    assert code == 0 and pages == {"compare"}, err
    assert "One more sentence." in (tiny_copy / "reports/tiny/index.html").read_text()
