"""A report that is stopped, by Ctrl-C or by force, goes on where it was and ends with the same numbers."""

import json

import numpy as np
import pandas as pd
from conftest import EPOCHS, RUN, rows

FINAL = ("metrics.json", "model.keras", "slices.csv", "reading.json", "answers.npz", "comparison.csv", "index.html")


def test_ctrl_c_is_one_sentence_and_exit_code_130(troubled):
    stopped = troubled.interrupted
    assert stopped.code == 130, stopped.err
    assert "Traceback" not in stopped.err and "digitkit: stopped" in stopped.err.splitlines()[-1]


def test_no_process_outlives_the_report(troubled):
    assert troubled.interrupted.left == [] and troubled.killed.left == []


def test_a_stopped_run_has_no_file_under_a_final_name(troubled):
    for stopped in (troubled.interrupted, troubled.killed):
        assert not [name for name in stopped.files if name.startswith(str(RUN)) and name.endswith(FINAL)]
    assert str(RUN / "config.json") in troubled.killed.files


def test_the_last_call_ends_what_was_stopped_twice(troubled):
    assert troubled.done.returncode == 0, troubled.done.stderr
    assert {"metrics.json", "slices.csv"} <= {path.name for path in (troubled.project / RUN).iterdir()}


def test_each_call_goes_on_at_the_epoch_where_the_last_one_stopped(troubled):
    end = rows(troubled.project / RUN / "history.csv")
    first, second = troubled.interrupted.history, troubled.killed.history
    assert 1 <= len(first) < len(second) < len(end) == EPOCHS
    assert second[: len(first)] == first and end[: len(second)] == second  # their seconds too: they did not run again


def test_a_stopped_run_ends_with_the_numbers_of_an_undisturbed_one(tiny, troubled):
    stopped, whole = (
        pd.read_csv(project / RUN / "history.csv", dtype=str).drop(columns=["seconds", "seconds_waited"])
        for project in (troubled.project, tiny.project)
    )
    pd.testing.assert_frame_equal(stopped, whole)
    with np.load(troubled.project / RUN / "answers.npz") as a, np.load(tiny.project / RUN / "answers.npz") as b:
        assert {name.partition(".")[0] for name in a.files} == {"validation", "triple", "ladder14"}
        assert a.files == b.files
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name], strict=True)
    scores = [json.loads((p / RUN / "metrics.json").read_text()) for p in (troubled.project, tiny.project)]
    for score in scores:
        for name in ("fit_seconds", "reading", "seal"):  # what depends on the clock
            del score[name]
        for test in score["tests"].values():
            del test["scenes_per_second"]
    assert scores[0] == scores[1]


def test_the_checkpoints_are_gone_at_the_end(tiny, troubled):
    for project in (tiny.project, troubled.project):
        assert not (project / RUN / "checkpoint").exists()
