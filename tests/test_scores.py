"""Scores are made of answers: again without weights, and never of answers that are not the run's own."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import RUN, change_settings

from digitkit.execution import run_page
from digitkit.pages import jobs_of
from digitkit.plan import due, job_keys
from digitkit.reading import load_answers, load_reading, save_reading
from digitkit.runs import configs_of
from digitkit.scores import adopt, load_runs, save_scores
from digitkit.settings_file import load_config

EXPERIMENTS = ("small", "slots", "slots_views", "columns")
SCORED = {f"score {name}" for name in EXPERIMENTS}


def stale() -> set[str]:
    """The pages of the project of the working directory that the next report would run, without the comparison."""
    return {str(page) for job in jobs_of("tiny") for page in due(job)}


def score_small() -> str | None:
    """Run the page that scores `small`; the reason if it failed."""
    *_, page = job = jobs_of("tiny")[1]
    return run_page(page, job_keys(job)[-1])


def comparison(project) -> pd.DataFrame:
    return pd.read_csv(project / "reports/tiny/comparison.csv").set_index(["experiment", "test"]).sort_index()


def edit(path, **scores) -> None:
    """Change scores of the test `triple` in a metrics.json."""
    metrics = json.loads(path.read_text())
    metrics["tests"]["triple"] |= scores
    path.write_text(json.dumps(metrics))


def as_before(run, **forged) -> None:
    """Make of a run folder one of before readings were kept apart, without weights; `forged` changes its scores."""
    edit(run / "metrics.json", **forged)
    metrics = json.loads((run / "metrics.json").read_text())
    kept = {name: value for name, value in metrics.items() if name not in ("seal", "recorded", "reading")}
    (run / "metrics.json").write_text(json.dumps(kept))
    with np.load(run / "answers.npz") as file:
        arrays = {name: file[name] for name in file if name.endswith((".digits", ".doubt", ".top_set"))}
    np.savez_compressed(run / "answers.npz", **arrays)
    for name in ("reading.json", "model.keras", "score.ipynb"):
        (run / name).unlink(missing_ok=True)


# ------------------------------------------------------------------ what is asked for when something changes


def test_a_change_of_scoring_makes_scores_again_without_weights(tiny_copy, monkeypatch):
    monkeypatch.chdir(tiny_copy)
    for weights in tiny_copy.glob("reports/**/model.keras"):
        weights.unlink()
    with open(tiny_copy / "digitkit/metrics.py", "a") as file:
        file.write("\nMORE = 1\n")
    assert stale() == SCORED | {"select small", "audit"}
    before = (tiny_copy / RUN / "metrics.json").read_bytes()
    assert score_small() is None and stale() == SCORED - {"score small"} | {"select small", "audit"}
    assert (tiny_copy / RUN / "metrics.json").read_bytes() == before


def test_another_test_is_read_with_the_weights_that_are_there(tiny_copy, report):
    weights = (tiny_copy / RUN / "model.keras").read_bytes()
    change_settings(tiny_copy, "profile:tiny", test_scenes=50, experiments="small", select="")
    code, _, err, pages = report(tiny_copy, "--experiment", "small")
    assert code == 0 and pages == {"evaluate small", "score small", "compare"}, err
    assert (tiny_copy / RUN / "model.keras").read_bytes() == weights
    assert (comparison(tiny_copy)["n_scenes"] == 50).all()


def test_the_comparison_follows_what_it_reads(tiny_copy, report, monkeypatch):
    monkeypatch.chdir(tiny_copy)
    config = load_config("tiny", "small")  # the run as it came out on another machine
    answers = {test: load_answers(config, test) for test in ("validation", *config.tests)}
    for one in answers.values():
        one.digits[:20] = 1
    reading = load_reading(config)
    read = reading.pop("tests")
    save_reading(config, {name: fact for name, fact in reading.items() if name != "seal"}, answers, read)
    assert score_small() is None and stale() == set()
    code, _, err, pages = report(tiny_copy)
    assert code == 0 and pages == {"compare"}, err
    told = json.loads((tiny_copy / RUN / "metrics.json").read_text())["tests"]["triple"]["digit_accuracy"]
    assert comparison(tiny_copy).loc[("small", "triple"), "digit_accuracy"] == told


# ------------------------------------------------------------------ what is not the run's own


def test_an_edited_score_is_named_and_not_in_the_table(tiny_copy, report):
    edit(tiny_copy / RUN / "metrics.json", exact_match=0.9999, f1=7)
    code, out, err, _ = report(tiny_copy)
    assert code == 1, err
    assert "small seed 0 is not in the comparison: metrics.json or slices.csv was changed" in err
    assert "small" not in comparison(tiny_copy).index.get_level_values("experiment")
    assert "99.99" not in out and "700.00" not in out


def test_the_answers_of_another_run_are_refused_by_name(tiny_copy, monkeypatch):
    monkeypatch.chdir(tiny_copy)
    shutil.copy("reports/tiny/slots/seed0/answers.npz", RUN)
    assert stale() == {"score small"}
    assert "answers.npz was changed after it was made, or is of another run" in score_small()
    assert set(load_runs(configs_of("tiny"))[1]) == {"small seed 0"}


# ------------------------------------------------------------------ runs from before


def test_runs_from_before_keep_their_table_and_say_what_is_recorded(tiny_copy, report, monkeypatch):
    before = comparison(tiny_copy)
    for name in EXPERIMENTS:
        as_before(tiny_copy / f"reports/tiny/{name}/seed0")
    code, _, err, pages = report(tiny_copy)
    assert code == 0 and pages == SCORED | {"compare"}, err
    after = comparison(tiny_copy)
    assert set(after.pop("recorded")) == {"loss precision recall f1"}
    pd.testing.assert_frame_equal(after, before.drop(columns="recorded"), check_exact=True)
    assert "stay as recorded" in (tiny_copy / "reports/tiny/comparison.md").read_text()
    monkeypatch.chdir(tiny_copy)
    assert stale() == set()


def test_a_forged_score_of_a_run_from_before_is_refused_by_name(tiny_copy, monkeypatch):
    monkeypatch.chdir(tiny_copy)
    as_before(tiny_copy / RUN, exact_match=0.9999)
    assert adopt(load_config("tiny", "small")) and stale() == {"score small"}
    assert "small seed 0: triple: exact_match is told as 0.9999" in score_small()
    assert load_runs(configs_of("tiny"))[1] == {"small seed 0": "not finished"}


# ------------------------------------------------------------------ damaged files


DAMAGED = {
    "metrics.json": {"score small"},
    "slices.csv": {"score small"},
    "reading.json": {"evaluate small", "score small"},
    "answers.npz": {"evaluate small", "score small"},
    "history.csv": set(),  # of a training that is over: named, and not made again unasked
    "config.json": set(),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named_and_the_other_runs_stay(tiny_copy, monkeypatch, name):
    monkeypatch.chdir(tiny_copy)
    for size in (0, (tiny_copy / RUN / name).stat().st_size // 2):
        os.truncate(tiny_copy / RUN / name, size)
        rows, missing = load_runs(configs_of("tiny"))
        assert list(missing) == ["small seed 0"] and name in missing["small seed 0"]
        assert set(rows["experiment"]) == set(EXPERIMENTS) - {"small"}
        if size == 0:
            assert stale() == DAMAGED[name]


def test_what_is_damaged_is_made_again(tiny_copy, report):
    before = comparison(tiny_copy)
    os.truncate(tiny_copy / RUN / "answers.npz", 1000)
    for path in (tiny_copy / "data/scenes").glob("*.h5"):
        os.truncate(path, 3000)
    code, _, err, pages = report(tiny_copy)
    assert code == 0 and pages == {"evaluate small", "score small", "compare"}, err
    assert before["exact_match"].equals(comparison(tiny_copy)["exact_match"])


def test_json_of_another_kind_is_no_traceback(tiny_copy, monkeypatch):
    monkeypatch.chdir(tiny_copy)
    for name in ("metrics.json", "reading.json"):
        whole = (tiny_copy / RUN / name).read_bytes()
        for text in ("[]", "{}", '{"tests": []}', "7", "\xff"):
            (tiny_copy / RUN / name).write_text(text)
            assert list(load_runs(configs_of("tiny"))[1]) == ["small seed 0"]
            assert stale() <= {"evaluate small", "score small"}
        (tiny_copy / RUN / name).write_bytes(whole)
    assert load_runs(configs_of("tiny"))[1] == {} and save_scores(load_config("tiny", "small"))
