"""Two runs' classes brought into one order, whatever each calls them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.errors import DataError
from workbench.runs.predictions.classification import Predictions


def match_classes(predictions: Predictions, reference: Predictions) -> Predictions:
    """Predictions with the classes of others: the same columns in the same order, under the same names.

    Classes are the same by their raw labels, so that a run with Latin names stands beside one with common names, or
    with names in another language. Where raw labels are not recorded, or are others, names decide.

    Args:
        predictions: To be brought into the order.
        reference: Have it.

    Raises:
        DataError: The classes are not the same; says which differ.
    """
    mine, theirs = ([each.class_keys, each.class_names] for each in (predictions, reference))
    ways = [(mine[i], theirs[j]) for i, j in ((0, 0), (1, 1), (1, 0), (0, 1))]
    found = next(((own, other) for own, other in ways if own and other and sorted(own) == sorted(other)), None)
    if found is None:
        raise DataError(_complaint(predictions, reference))
    place = {name: i for i, name in enumerate(found[0])}
    order = np.array([place[name] for name in found[1]], dtype=np.int64)
    labels, scores = predictions.labels, predictions.scores
    if np.array_equal(order, np.arange(len(order))):
        return replace(predictions, class_names=reference.class_names, class_keys=reference.class_keys)
    if labels is not None:
        # The column that class i moves to; -1 stays what it is.
        labels = labels[:, order] if labels.ndim == 2 else np.append(np.argsort(order), -1)[labels]
    unseen = tuple(np.flatnonzero(np.isin(order, predictions.unseen)).tolist())
    return replace(
        predictions, labels=labels, scores=scores[:, order], class_names=reference.class_names,
        class_keys=reference.class_keys, unseen=unseen,
    )  # fmt: skip


def _complaint(predictions: Predictions, reference: Predictions) -> str:
    known = bool(predictions.class_keys and reference.class_keys)
    own, other = (
        (each.class_keys if known and each.class_keys else each.class_names) for each in (predictions, reference)
    )
    count = f"{len(own)} and {len(other)} classes" if len(own) != len(other) else f"{len(own)} classes each"
    text = f"different classes ({count}): {_few(own, other)} on one side only, {_few(other, own)} on the other."
    if known or len(own) != len(other):
        return text
    return (
        f"{text} Raw labels would tell whether these are other names for the same classes, but one of the two does not "
        "record them, as runs of earlier versions do not; run it again."
    )


def _few(own: Sequence[str], other: Sequence[str]) -> str:
    lone = [repr(name) for name in own if name not in set(other)]
    return ", ".join(lone[:3]) + (f" and {len(lone) - 3} more" if len(lone) > 3 else "") or "none"
