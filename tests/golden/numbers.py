"""The numbers of recipes and of the evaluation on the planted inputs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tests.golden import planted
from workbench.errors import WorkbenchError
from workbench.metrics import (
    Estimate,
    classification_metrics,
    compare_measured,
    measure,
    retrieval_metrics,
    softmax,
)
from workbench.metrics.captions_cider import cider_d
from workbench.plugin import FloatArray, OnlinePredictor, normalise
from workbench.recipes import Recipe, recipes
from workbench.tasks import tasks_of
from workbench.tasks.classification.online import stream_scores

Numbers = dict[str, float]

_SETTINGS: Mapping[str, Mapping[str, Any]] = {  # Defaults for all others; these would take many seconds.
    "linear-head": {"epochs": 4, "learning_rates": [1e-2], "batch_size": 16},
    "relation-head": {"tiles": 2, "rank": 4, "words": 2, "scales": [3.0], "epochs": 3, "batch_size": 16},
}


def golden_recipes() -> list[str]:
    """Built-in recipes that need no network."""
    mine = [name for name in recipes.names() if recipes.distribution(name).name == "clip-workbench"]
    return [name for name in mine if recipes.get(name).reads != "images"]


def recipe_numbers(name: str) -> Numbers:
    """What a recipe gives on each of its tasks that inputs are planted for."""
    return {
        f"{task}: {key}": value
        for task, compute in _TASKS.items()
        if task.partition(",")[0] in tasks_of(recipes.get(name))
        for key, value in compute(name).items()
    }


def _recipe(name: str) -> Recipe[Any]:
    factory = recipes.get(name)
    return factory(factory.Config.model_validate(_SETTINGS.get(name, {})))


def _classification(name: str, *, validation: bool = True) -> Numbers:
    task, test = planted.classification(validation=validation)
    predictor = _recipe(name).fit(replace(task, unlabelled=task.train.images))
    online = isinstance(predictor, OnlinePredictor)
    order = np.arange(len(test))
    scores = stream_scores(predictor, test.images, order) if online else predictor.scores(test.images)
    scores = scores.astype(np.float64)
    chances = softmax(scores)
    return {
        "nll": float(-np.log(chances[np.arange(len(scores)), test.labels]).mean()),
        "brier": float(((chances - np.eye(planted.CLASSES)[test.labels]) ** 2).sum(axis=1).mean() / 2),
        # A common level of an image's logits is no part of the result.
        "spread of logits": float((scores - scores.mean(axis=1, keepdims=True)).std()),
    }


def _retrieval(name: str) -> Numbers:
    task, test = planted.retrieval()
    found = _recipe(name).fit_image_text(task)
    x, y = (normalise(rows) for rows in (found.embed_images(test.images), found.embed_texts(test.texts)))
    cosines = (x @ y.T).astype(np.float64)
    of_pairs = cosines[test.positives[:, 0], test.positives[:, 1]]
    return {"cosine of pairs": float(of_pairs.mean()), "spread of cosines": float(cosines.std())}


def _matching(name: str) -> Numbers:
    if name != "relation-head":  # The others know no order of words: what they say here is a tie.
        return {}
    task = planted.matching()
    scores = np.asarray(_recipe(name).fit_image_text(task).scores(task.val.candidates), np.float64)
    right = scores[task.val.is_correct]
    return {"score of the right": float(right.mean()), "spread of scores": float(scores.std())}


def _captioning(name: str) -> Numbers:
    task, test = planted.captioning()
    written = _recipe(name).fit_image_text(task).captions(test.images)
    references: list[list[str]] = [[] for _ in range(len(test))]
    for image, text in test.positives:
        references[image].append(test.texts[text])
    return {"cider": float(cider_d(written, references).mean())}


_TASKS: Mapping[str, Callable[[str], Numbers]] = {
    "classification": _classification,
    "classification, no validation": lambda name: _classification(name, validation=False),
    "retrieval": _retrieval,
    "matching": _matching,
    "captioning": _captioning,
}


def evaluation_numbers() -> Numbers:
    """Metrics with intervals, and comparisons, of planted scores: one or several labels, with and without groups."""
    first, other, labels, groups = planted.scored()
    hot = (first[0] > 2.5) | np.eye(planted.CLASSES, dtype=bool)[labels]
    found: Numbers = {}
    for kind, own in (("", None), (" by group", groups)):
        found |= _estimates(f"single label{kind}", classification_metrics(other[0], labels, own))
        found |= _estimates(f"several labels{kind}", classification_metrics(other[0], hot, own, multi_label=True))
        found |= _comparisons(f"single label{kind}", first, other, labels, own)
    rng = np.random.default_rng(3)
    pairs = np.column_stack([np.repeat(np.arange(20), 2), np.arange(40)])
    images = rng.normal(size=(20, 16))
    texts = np.repeat(images, 2, axis=0) + 1.5 * rng.normal(size=(40, 16))
    found |= _estimates("retrieval", retrieval_metrics(images, texts, pairs))
    return found


def _estimates(what: str, estimates: Mapping[str, Estimate]) -> Numbers:
    ends = ("value", "low", "high")
    return {f"{what}: {metric} {end}": float(getattr(each, end)) for metric, each in estimates.items() for end in ends}


def _comparisons(what: str, first: FloatArray, other: FloatArray, labels: FloatArray, groups: FloatArray) -> Numbers:
    found: Numbers = {}
    for metric in classification_metrics(first[0], labels):
        try:
            both = [measure(scores, labels, groups, metric=metric) for scores in (first, other)]
        except WorkbenchError:  # Not every metric can be compared.
            continue
        (difference,) = compare_measured(both, [(0, 1)])
        for end in ("value", "low", "high", "p_value"):
            number = float(getattr(difference, end))
            found[f"{what}, compared: {metric} {end}"] = number if math.isfinite(number) else -1.0
    return found
