"""`compare_runs` gives what the metrics' own paired comparison gives."""

import pytest

from workbench.metrics import NotComparableError, compare_paired
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.runs.comparisons.runs import compare_runs


def finished(settings, model, folder, name="s"):
    entries = tuple(RecipeEntry(recipe=recipe) for recipe in ("zero-shot", "linear-probe"))
    suite = Suite(name=name, models=(model,), datasets=(str(folder),), recipes=entries, figures=False)
    return {run.recipe: FinishedRun(run, settings) for run in run_suite(suite, settings)}


def test_difference_interval_and_words(settings, tiny_model, make_colours):
    runs = finished(settings, tiny_model, make_colours())
    found = compare_runs(runs["linear-probe"], [runs["zero-shot"], runs["majority-class"]])
    a, b = runs["linear-probe"].predictions, runs["zero-shot"].predictions
    expected = compare_paired(a.scores, b.scores, a.labels, metric="accuracy")
    assert found[0].difference == expected
    assert found[0].difference.value == pytest.approx(
        runs["linear-probe"].result.metrics["accuracy"] - runs["zero-shot"].result.metrics["accuracy"]
    )
    assert all(each.p_corrected >= each.difference.p_value for each in found)
    same = compare_runs(runs["zero-shot"], [runs["zero-shot"]])[0]
    assert same.difference.value == 0
    assert "no evidence" in same.sentence.lower()


def test_other_test_items_are_refused(settings, tiny_model, make_colours):
    first = finished(settings, tiny_model, make_colours())
    other = finished(settings, tiny_model, make_colours("fewer", test=5), name="t")
    with pytest.raises(NotComparableError):
        compare_runs(first["zero-shot"], [other["zero-shot"]])
