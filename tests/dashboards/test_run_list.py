"""Runs have the labels that their suite's comparison gives them, whatever else lies in the store."""

from dataclasses import replace

from dashboards.run_list import RunList
from workbench.runs.comparisons import run_groups
from workbench.tracking import schema


def labels(runs):
    return {run.run_id: run.label for run in runs}


def compared(runs, suite):
    """The labels of a suite's comparison, by run."""
    groups, _ = run_groups([run for run in runs if run.suite == suite])
    return {run.run_id: group.label for group in groups for run in group.runs}


def test_settings_of_failed_runs_are_in_no_label_of_a_suite(make_run):
    done = [make_run("probe", params={"c": c, "lr": 0.1}) for c in (1, 10)]
    failed = make_run("probe", params={"c": 1, "lr": 1}, status="failed")
    runs = RunList([failed, *done])
    assert labels(runs.by_suite["s"]) == compared(runs.all, "s")
    assert set(labels(runs.by_suite["s"]).values()) == {"probe (c=1)", "probe (c=10)"}
    assert all(run.label in runs.marks for run in (*runs.all, *runs.current, *runs.by_suite["s"]))


def test_what_only_another_suite_tells_apart_is_in_no_label(make_run):
    runs = RunList([make_run("probe", suite=suite) for suite in ("s", "t")])
    assert set(labels(runs.current).values()) == {"probe (suite=s)", "probe (suite=t)"}
    assert [set(labels(runs.by_suite[suite]).values()) for suite in ("s", "t")] == [{"probe"}, {"probe"}]


def test_a_suite_of_several_languages_has_its_labels(make_run):
    runs = [make_run("probe"), make_run("probe")]
    runs = RunList([runs[0], replace(runs[1], tags={**runs[1].tags, schema.LANGUAGE: "fr"})])
    assert labels(runs.by_suite["s"]) == compared(runs.all, "s")


def test_runs_of_an_older_state_are_left_out(make_run):
    old, new = (
        replace(run, tags={**run.tags, "dataset.fingerprint": state})
        for run, state in ((make_run("probe"), "old"), (make_run("probe"), "new"))
    )
    runs = RunList([new, old])
    assert [run.run_id for run in runs.by_suite["s"]] == [new.run_id]
    assert runs.finished == [new, old]
