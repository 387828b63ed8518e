"""Runs as they are read from a store, and predictions, made up by hand."""

import itertools

import numpy as np
import pytest

from workbench.tasks import ClassPredictions
from workbench.tracking import RunResult, schema

_NUMBERS = itertools.count()


@pytest.fixture
def make_run():
    """A run with an accuracy and its interval."""

    def make(recipe="gda", accuracy=0.5, *, half=0.1, shots="4", status="finished", metrics=None, **rest):
        number = next(_NUMBERS)
        own = {"accuracy": accuracy, "accuracy_ci_low": accuracy - half, "accuracy_ci_high": accuracy + half}
        values = {
            "run_id": f"{number:032x}", "suite": "s", "model": "m", "dataset": "d", "field": "botany",
            "task": "classification", "recipe": recipe, "shots": shots, "seed": 0, "status": status,
            "metrics": {**(own if status == "finished" else {}), **(metrics or {})},
            "tags": {schema.LABEL: recipe, schema.PRIMARY_METRIC: "accuracy"}, "started": 1_700_000_000_000 + number,
        } | rest  # fmt: skip
        return RunResult(**values)

    return make


@pytest.fixture
def make_predictions():
    """Predictions of 60 items of 3 classes; `noise` makes mistakes."""

    def make(noise=1.5, seed=0, groups=False):
        rng = np.random.default_rng(seed)
        labels = np.arange(60) % 3
        scores = (2 * np.eye(3)[labels] + noise * rng.normal(size=(60, 3))).astype(np.float32)
        names = [f"g{i // 2}" if groups else None for i in range(60)]
        return ClassPredictions([f"i{i}" for i in range(60)], names, labels, scores, ("a", "b", "c"))

    return make
