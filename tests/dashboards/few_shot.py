"""A store of a few-shot suite whose scores are noise and a known signal: all of it real but the training."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tests.dashboards.bulk import MadeUpRun, write_runs
from workbench.metrics.estimate import flatten
from workbench.metrics.metric import Metric
from workbench.metrics.registry import all_metrics
from workbench.settings import Settings
from workbench.tasks import ClassPredictions
from workbench.tracking import schema

SIGNAL = {
    "gda": 2.6, "linear-probe": 2.55, "knn": 2.5, "lora": 2.3, "tip-adapter": 2.0, "tip-adapter-f": 2.2, "coop": 1.8,
    "clip-lora": 2.35, "nearest-class-mean": 1.9, "lp-plus-plus": 2.45, "clap": 2.1, "linear-probe-text": 2.4,
    "cross-modal-probe": 2.15, "clip-adapter": 1.7, "task-res": 1.6, "full-fine-tune": 2.0, "transclip": 2.05,
    "bias-norm-tuning": 1.95,
}  # fmt: skip
"""How well each recipe tells classes apart, at 16 shots."""


def write_few_shot(
    settings: Settings,
    *,
    suite: str = "few-shot",
    recipes: Sequence[str] = tuple(SIGNAL),
    datasets: Sequence[str] = ("ferns",),
    models: Sequence[str] = ("hf-hub:imageomics/bioclip-2",),
    shots: Sequence[int] = (1, 4, 16),
    seeds: Sequence[int] = (0, 1, 2),
    classes: int = 6,
    items: int = 240,
    metrics: Sequence[str] = ("accuracy", "macro_f1", "nll"),
    count: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Fill the store of `settings` with runs of recipes, zero-shot and the majority class.

    Args:
        settings: Its `runs` folder gets the store.
        suite: Name.
        recipes: Keys of `SIGNAL`.
        datasets: Names.
        models: Arguments.
        shots: Numbers of training images a class.
        seeds: Of each recipe.
        classes: Number of classes.
        items: Test images of each dataset.
        metrics: Names of metrics.
        count: Stop after so many runs; None writes all.
        tags: Of every run, beside its own or in their place.
    """
    cells = [
        (dataset, *cell)
        for dataset in datasets
        for cell in [
            ("majority-class", "none", "all", 0, 0.0),
            *(("zero-shot", model, "0", 0, 0.8) for model in models),
            *(
                (recipe, model, str(k), seed, SIGNAL[recipe] - 0.5 * (4 - np.log2(k)) / 2)
                for recipe in recipes
                for model in models
                for k in shots
                for seed in seeds
            ),
        ]
    ]
    assert count is None or count <= len(cells), f"these choices make {len(cells)} runs"
    names = tuple(f"species {i:02d}" for i in range(classes))
    wanted = [metric for name, metric in all_metrics().items() if name in metrics]
    made = (_run(cell, number, names, items, wanted) for number, cell in enumerate(cells[:count]))
    write_runs(settings, suite, (replace(run, tags={**run.tags, **(tags or {})}) for run in made))


def _run(
    cell: tuple[str, str, str, str, int, float], number: int, names: tuple[str, ...], items: int, wanted: list[Metric]
) -> MadeUpRun:
    dataset, recipe, model, k, seed, signal = cell
    labels = np.random.default_rng(len(dataset)).integers(0, len(names), items)
    rng = np.random.default_rng([seed, number])
    scores = rng.normal(size=(items, len(names))).astype(np.float32)
    scores[np.arange(items), labels] += signal
    if recipe == "majority-class":
        scores = np.tile(np.float32(np.bincount(labels, minlength=len(names))), (items, 1))
    predictions = ClassPredictions([f"{dataset}/{i}.png" for i in range(items)], [None] * items, labels, scores, names)
    return MadeUpRun(
        params={"model": model, "dataset": dataset, "field": "botany", "task": "classification", "recipe": recipe,
                "shots": k, "seed": seed, "recipe.weight": 0.5},
        tags={schema.LABEL: recipe, "dataset.fingerprint": dataset, schema.PRIMARY_METRIC: "accuracy",
              "model.fingerprint": model},
        metrics=flatten(predictions.estimates(wanted)) | {
            "train_seconds": float(rng.uniform(0.1, 20)), "predict_seconds": 0.1, "extract_seconds": 3.0,
            "trainable_parameters": float(rng.integers(1, 10**6)), "train_images": 0.0 if k == "0" else 6.0,
        },
        history={"loss": [1.0, 0.6, 0.4]} if k == "16" else {},
        predictions=predictions,
    )  # fmt: skip
