"""The examples of docs/plugins.md on metrics and tasks: one is run, the others stand in the package that is."""

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import recall_score

from tests.registry.conftest import PLUGIN
from workbench.metrics import Evaluator
from workbench.metrics.class_scores import ClassScores
from workbench.metrics.registry import _is_metric, added_for
from workbench.tasks.classification.inference import check_inference
from workbench.tasks.classification.online import stream_orders, stream_scores
from workbench.testing import planted_task

TEXT = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def blocks(title, language):
    section = TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_the_metric_of_the_documentation_is_the_smallest_recall():
    names = {}
    (code,), (written,) = blocks("A new metric", "python"), blocks("A new metric", "toml")
    exec(code, names)
    ((name, value),) = tomllib.loads(written)["project"]["entry-points"]["workbench.metrics"].items()
    metric = _is_metric(names[value.partition(":")[2]], EntryPoint(name, value, "workbench.metrics"))
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    weights = rng.integers(0, 3, (4, 60)).astype(np.float32)
    found = Evaluator([metric], ClassScores(scores, labels))(weights)[name]
    expected = [
        recall_score(labels, scores.argmax(axis=1), average=None, sample_weight=own, zero_division=np.nan).min()
        for own in weights
    ]
    assert found == pytest.approx(expected)
    assert metric.fits(ClassScores(scores, labels))
    assert added_for(ClassScores) == ()  # Nothing that this test did is installed.


@pytest.mark.parametrize("block", blocks("A new task", "python"))
def test_the_task_of_the_documentation_is_the_one_that_is_run(block):
    head, _, code = block.replace("my_package", "nearest_prompt").partition("\n")
    real = (PLUGIN / "src" / head.removeprefix("# ")).read_text(encoding="utf-8")
    for part in code.strip("\n").split("\n\n"):
        assert part.strip("\n") in real


def test_the_entry_points_of_the_documentation_are_those_of_the_package():
    (written,) = blocks("A new task", "toml")
    asked = tomllib.loads(written.partition("# the card")[0].replace("my_package", "nearest_prompt"))
    real = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))
    for group, points in asked["project"]["entry-points"].items():
        assert points.items() <= real["project"]["entry-points"][group].items()


def test_the_online_recipe_of_the_documentation_sees_a_stream():
    names = {}
    (code,) = blocks("Recipes", "python")
    exec(code, names)
    task, test = planted_task(n_classes=4, noise=0.5, seed=1)
    recipe = names["RunningMean"](None)
    predictor = recipe.fit(task)
    check_inference(recipe, predictor)
    orders = [stream_scores(predictor, test.images, order) for order in stream_orders(len(test))]
    assert (orders[0].argmax(axis=1) == test.labels).mean() > 0.8
    assert not np.array_equal(orders[0], orders[1])
