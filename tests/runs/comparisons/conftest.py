"""Suites without a store: runs whose scores hold a known signal."""

import numpy as np
import pytest

from workbench.runs.comparisons import compare_run_groups
from workbench.tasks import ClassPredictions
from workbench.tracking import RunResult, schema

CLASSES = ("ash", "birch", "cedar")


class Suite:
    """Runs and their predictions, newest first."""

    def __init__(self):
        self.runs, self.predictions = [], {}

    def write(
        self, recipe, *, signal=1.0, dataset="trees", shots="4", seed=0, model="m", n=150, label=None, params=None,
        groups=None, tags=None, train_images=12.0, status="finished",
        classes=CLASSES, keys=None, items=None,
    ):  # fmt: skip
        """Adds a run whose scores are noise and `signal` times the truth; returns its id."""
        labels = np.random.default_rng(len(items or dataset)).integers(0, 3, n)
        rng = np.random.default_rng([7, seed, len(recipe), abs(int(1000 * signal))])
        scores = rng.normal(size=(n, 3)).astype(np.float32)
        scores[np.arange(n), labels] += signal
        ids = [f"{items or dataset}-{i}" for i in range(n)]
        tags = {**(tags or {}), **({schema.ITEMS: items} if items else {})}
        return self.add(
            ClassPredictions(ids, groups or [None] * n, labels, scores, classes, keys),
            recipe, dataset=dataset, shots=shots,
            metrics={"accuracy": float((scores.argmax(axis=1) == labels).mean()), "train_images": train_images},
            seed=seed, model=model, label=label, params=params, tags=tags, status=status,
        )  # fmt: skip

    def add(
        self, predictions, recipe, *, dataset, metrics, task="classification", primary="accuracy", shots="0", seed=0,
        model="m", label=None, params=None, tags=None, status="finished",
    ):  # fmt: skip
        """Adds a run that said this; returns its id."""
        run_id = f"run{len(self.runs)}"
        self.predictions[run_id] = predictions
        marks = {schema.LABEL: label or recipe, schema.PRIMARY_METRIC: primary, "dataset.fingerprint": dataset,
                 "model.fingerprint": model, "dataset.protocol": "own split", "version.torch": "2.9"}  # fmt: skip
        self.runs.insert(0, RunResult(
            run_id, "s", model, dataset, "botany", task, recipe, shots, seed, status, metrics, params or {},
            marks | (tags or {}), started=1_700_000_000_000,
        ))  # fmt: skip
        return run_id

    def comparison(self, metric=None):
        """The comparison of all runs."""
        return compare_run_groups(self.runs, lambda run: self.predictions[run.run_id], suite="s", metric=metric)


@pytest.fixture
def suite():
    """An empty suite."""
    return Suite()


@pytest.fixture
def planted():
    """Two datasets, two trained recipes at three numbers of shots with three seeds, zero-shot, the majority class."""
    suite = Suite()
    for dataset in ("trees", "ferns!"):
        suite.write("zero-shot", signal=0.5, dataset=dataset, shots="0")
        suite.write("majority-class", signal=0.0, dataset=dataset, shots="all", model="none")
        for shots, images in (("1", 3.0), ("4", 12.0), ("16", 12.0)):
            for seed in range(3):
                own = {"dataset": dataset, "shots": shots, "seed": seed, "train_images": images}
                suite.write("probe", signal=1.0 if shots == "1" else 2.6, **own)
                suite.write("adapter", signal=1.05 if shots == "1" else 2.55, **own)
    return suite
