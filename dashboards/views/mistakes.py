"""A run's mistakes, the most confident first."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import DataError
from workbench.metrics import softmax
from workbench.runs import Predictions


@dataclass(frozen=True)
class Mistake:
    """A wrongly classified item.

    Attributes:
        id: Item name.
        group: Group name, or None.
        true: Class name.
        predicted: Class name.
        confidence: Probability of the predicted class, 0..1.
        top: Up to five classes with their probabilities, the most probable first.
    """

    id: str
    group: str | None
    true: str
    predicted: str
    confidence: float
    top: tuple[tuple[str, float], ...]


def mistakes(predictions: Predictions) -> list[Mistake]:
    """Mistakes of a single-label run.

    Args:
        predictions: Of the run.

    Raises:
        WorkbenchError: The run has several labels an image, or none.
    """
    if predictions.labels is None or predictions.labels.ndim != 1:
        raise DataError("mistakes are shown for runs with one label an image.")
    chance = softmax(predictions.scores)
    guess = chance.argmax(axis=1)
    names = predictions.class_names
    wrong = np.flatnonzero(guess != predictions.labels)
    return [
        Mistake(
            id=predictions.ids[i],
            group=predictions.groups[i],
            true=names[predictions.labels[i]],
            predicted=names[guess[i]],
            confidence=float(chance[i, guess[i]]),
            top=tuple((names[c], float(chance[i, c])) for c in np.argsort(-chance[i], kind="stable")[:5]),
        )
        for i in wrong[np.argsort(-chance[wrong].max(axis=1), kind="stable")]
    ]
