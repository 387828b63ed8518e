"""Tasks of images and texts: boxes and tiles are counted as views of their own, and trainings are cut short."""

import pytest

from tests.runs.halves import write_halves
from workbench.features import cache_usage
from workbench.forecast import forecast_suite
from workbench.runs import RecipeEntry, Suite, run_suite

HEAD = {"epochs": 40, "learning_rates": [1e-2], "features": "pooled"}
RELATIONS = {"epochs": 25, "scales": [10.0], "tiles": 2, "words": 1}


def instruction(left, right, rng):
    answer = int(rng.integers(2))
    boxes = [[0, 0, 16, 32], [16, 0, 32, 32]]
    return {"boxes": boxes, "said": [{"text": f"take {(left, right)[answer]}", "answer": answer, "kind": "colour"}]}


def order(left, right, _):
    return {
        "contrasts": [{"text": f"{left} then {right}", "wrong": [f"{right} then {left}"], "kind": "order"}],
    }


def captions(left, right, _):
    return {"caption": [f"{left} and {right}", f"there is {left}"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "columns", "describe", "extra", "recipe", "config"),
    [
        ("retrieval", {"caption": "caption"}, captions, "", "linear-head", HEAD),
        ("grounding", {"boxes": "boxes", "instruction": "said"}, instruction, "regions = { margin = 0.0 }",
         "linear-head", HEAD),
        ("matching", {"negatives": "contrasts"}, order, "", "relation-head", RELATIONS),
    ],
)  # fmt: skip
def test_the_run_does_what_was_forecast(
    task, columns, describe, extra, recipe, config, settings, tiny_model, tmp_path
):  # fmt: skip
    card = write_halves(tmp_path, task, columns, describe, extra)
    entries = (RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe=recipe, config=config))
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(card),), recipes=entries, figures=False)
    forecast = forecast_suite(suite, settings, seconds=30)
    assert [batch.how for batch in forecast.not_forecast] == []
    before = sum(usage.images + usage.texts for usage in cache_usage(settings.cache) if usage.model != "thumbnails")
    assert {run.status for run in run_suite(suite, settings)} == {"finished"}
    after = sum(usage.images + usage.texts for usage in cache_usage(settings.cache) if usage.model != "thumbnails")
    assert after - before == sum(work.missing for work in (*forecast.images, *forecast.texts))
