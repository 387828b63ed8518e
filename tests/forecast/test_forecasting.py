"""A forecast against the run that follows: what is counted, what it takes on disk, and what is not known."""

import json
import time

import pytest

from workbench.features import cache_usage
from workbench.features.usage import size_on_disk
from workbench.forecast import forecast_suite
from workbench.recipes import recipes
from workbench.runs import RecipeEntry, Suite, run_suite


def suite_of(model, folder, *names, **values):
    entries = tuple(RecipeEntry(recipe=name) for name in names)
    return Suite(name="s", models=(model,), datasets=(str(folder),), recipes=entries, figures=False, **values)


def stored(settings):
    usages = [usage for usage in cache_usage(settings.cache) if usage.model != "thumbnails"]
    return sum(usage.images for usage in usages), sum(usage.texts for usage in usages)


@pytest.mark.slow
def test_the_run_does_what_was_forecast(settings, tiny_model, make_colours):
    suite = suite_of(tiny_model, make_colours(train=20, test=30), "zero-shot", "linear-probe", "lora", shots=(2,))
    forecast = forecast_suite(suite, settings, seconds=60)
    images, texts = stored(settings)
    (work,) = forecast.images
    # Of train and validation, those of the two shots alone.
    assert work.total == 3 * (30 + 2 + 2)
    assert (forecast.runs, forecast.made, forecast.not_forecast) == (4, 0, [])
    assert not settings.runs.exists()

    before = size_on_disk(settings.cache / "features")
    runs = run_suite(suite, settings)
    assert {run.status for run in runs} == {"finished"}
    after = stored(settings)
    assert after[0] - images == work.missing
    assert after[1] - texts == sum(each.missing for each in forecast.texts)
    assert forecast.record_bytes == pytest.approx(size_on_disk(settings.runs), rel=0.3)
    # Each shard has a header besides.
    grown = size_on_disk(settings.cache / "features") - before
    assert 0 <= grown - forecast.feature_bytes < 8 * 1024

    again = forecast_suite(suite, settings, seconds=60)
    assert (again.made, again.to_make, again.batches, again.images) == (4, 0, [], [])
    assert (again.fit_seconds, again.feature_seconds, again.record_bytes) == (0, 0, 0)

    anew = forecast_suite(suite, settings, seconds=60, fresh=True)
    assert sum(each.missing for each in anew.images) == 0
    spent = {batch.label: batch.fit_seconds for batch in anew.batches}
    assert spent["lora"] == next(run.metrics["train_seconds"] for run in runs if run.recipe == "lora")
    assert all(batch.how == "as long as earlier runs took" for batch in anew.batches)


def test_a_recipe_that_cannot_be_forecast_is_named(settings, tiny_model, make_colours, monkeypatch):
    def refuse(*_):
        raise ValueError("no fit")

    monkeypatch.setattr("workbench.forecast.rehearsing._SET_UP", 0.5)
    monkeypatch.setattr(recipes.get("gda"), "fit", refuse)
    monkeypatch.setattr(recipes.get("knn"), "fit", lambda *_: time.sleep(1000))
    suite = suite_of(tiny_model, make_colours(), "zero-shot", "gda", "knn")
    forecast = forecast_suite(suite, settings, seconds=20)
    reasons = {batch.label: batch.how for batch in forecast.not_forecast}
    assert reasons.keys() == {"gda", "knn"}
    assert reasons["gda"] == "ValueError: no fit"
    assert "--measure gives more" in reasons["knn"]
    assert {each["label"] for each in json.loads(json.dumps(forecast.to_dict()))["not_forecast"]} == {"gda", "knn"}
    assert (forecast.seconds, forecast.fit_seconds) > (0, 0)


def test_without_time_to_measure_nothing_is_made_up(settings, tiny_model, make_colours):
    forecast = forecast_suite(suite_of(tiny_model, make_colours(), "linear-probe"), settings, seconds=0.01)
    assert [batch.label for batch in forecast.not_forecast] == ["majority-class", "linear-probe"]
    assert forecast.fit_seconds == 0
