"""Classified images, the most confident mistakes first, for people to look at."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import DataError
from workbench.metrics import sigmoid, softmax
from workbench.tasks.classification.unknown_items import taken_for_known
from workbench.tasks.examples import Example, ScoredAnswer

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions

_TOP = 5


def class_examples(predictions: "ClassPredictions") -> list[Example]:
    """All images: mistakes, the most confident first, then the others, the least confident first.

    With several labels an image, what counts is how far the worst probability is from its label; it is a mistake from
    0.5 on.

    Raises:
        DataError: Items have no labels.
    """
    if predictions.labels is None:
        raise DataError("examples are shown for runs with labels.")
    if predictions.labels.ndim == 2:
        return _labelled(predictions, predictions.labels)
    labels, chance = predictions.labels, predictions.probabilities
    guess, top = chance.argmax(axis=1), chance.max(axis=1)
    known = [_single(predictions, i, int(guess[i]), int(labels[i])) for i in range(len(labels))]
    unknown, top_of_unknown = _unknown(predictions)
    both, surety = [*known, *unknown], np.concatenate([top, top_of_unknown])
    is_right = np.array([bool(example.is_right) for example in both], dtype=np.bool_)
    return [both[i] for i in np.lexsort((np.where(is_right, surety, -surety), is_right)).tolist()]


def class_answers(predictions: "ClassPredictions", place: int) -> list[ScoredAnswer]:
    """The five most probable classes, and the true ones that are not among them.

    Images of unknown classes come after the others; none of the classes is true of them.
    """
    names, labels, outside = predictions.class_names, predictions.labels, predictions.unknown_items
    scores, count = predictions.scores, len(predictions.ids)
    if place >= count and outside is not None:
        scores, labels, place = outside.scores, None, place - count
    chance = (sigmoid if predictions.multi_label else softmax)(scores[[place]])[0]
    order = np.argsort(-chance, kind="stable").tolist()
    chosen = set(np.flatnonzero(chance >= 0.5).tolist()) if predictions.multi_label else {order[0]}
    true: set[int] = set()
    if labels is not None:
        true = set(np.flatnonzero(labels[place] == 1).tolist()) if labels.ndim == 2 else {int(labels[place])}
    shown = [*order[:_TOP], *(c for c in order[_TOP:] if c in true)]
    return [
        ScoredAnswer(names[c], float(scores[place, c]), float(chance[c]), c in true, c in chosen)
        for c in shown
    ]  # fmt: skip


def _unknown(predictions: "ClassPredictions") -> tuple[list[Example], AnyArray]:
    """Images of unknown classes, and the probability of the likeliest class of each; none where no threshold tells."""
    outside, choices = predictions.unknown_items, predictions.choices
    taken = None
    if outside is not None and choices is not None:
        taken = taken_for_known(outside.scores, outside.scale, choices.known_thresholds, choices.calibration)
    if outside is None or taken is None:
        return [], np.zeros(0)
    chance = softmax(outside.scores)
    found = []
    for i, name in enumerate(outside.classes):
        guess = predictions.class_names[int(chance[i].argmax())]
        what = f"of an unknown class, taken for {guess}" if taken[i] else "of an unknown class, and refused"
        parts = {"true class": f"{name} (unknown)", "predicted class": guess if taken[i] else "none of these"}
        parts |= {"group": group} if (group := outside.groups[i]) else {}
        place = len(predictions.ids) + i
        found.append(Example(place, outside.ids[i], outside.ids[i], name, what, not taken[i], parts))
    return found, chance.max(axis=1)


def _single(predictions: "ClassPredictions", i: int, guess: int, label: int) -> Example:
    names = predictions.class_names
    parts = {"true class": names[label], "predicted class": names[guess], **_places(predictions, i)}
    what = "right" if guess == label else f"taken for {names[guess]}"
    return Example(i, predictions.ids[i], predictions.ids[i], names[label], what, guess == label, parts)


def _labelled(predictions: "ClassPredictions", labels: AnyArray) -> list[Example]:
    chance = predictions.probabilities
    truth = np.asarray(labels, np.float64)
    # Labels that are not known count for nothing.
    off = np.where(np.isnan(truth), 0.0, np.abs(chance - truth))
    worst = off.max(axis=1)
    return [_several(predictions, i, truth[i], off[i]) for i in np.argsort(-worst, kind="stable").tolist()]


def _several(predictions: "ClassPredictions", i: int, truth: AnyArray, off: AnyArray) -> Example:
    names, worst = predictions.class_names, int(off.argmax())
    is_right = bool((off < 0.5).all())
    title = ", ".join(names[c] for c in np.flatnonzero(truth == 1)) or "none of the labels"
    what = "right" if is_right else f"{'missed' if truth[worst] == 1 else 'wrongly found'}: {names[worst]}"
    parts = {"worst label": names[worst], **_places(predictions, i)}
    return Example(i, predictions.ids[i], predictions.ids[i], title, what, is_right, parts)


def _places(predictions: "ClassPredictions", i: int) -> dict[str, str]:
    """Group, domain and subgroups of an item, where it has them."""
    domains = predictions.domains
    places = {
        "group": predictions.groups[i],
        "domain": None if domains is None else domains[i],
        **{column: values[i] for column, values in predictions.subgroups.items()},
    }
    return {name: value for name, value in places.items() if value}
