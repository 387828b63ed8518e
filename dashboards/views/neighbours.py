"""Near neighbours of a test image in the training split, from stored features."""

import numpy as np

from workbench.arrays import normalise
from workbench.datasets import Dataset
from workbench.errors import DataError
from workbench.features import FeatureStore
from workbench.models import Encoder


def neighbours(
    dataset: Dataset, encoder: Encoder, store: FeatureStore, row: int, count: int = 5
) -> list[tuple[int, float]]:
    """Training rows most alike by cosine of pooled features, with the cosine.

    Args:
        dataset: The dataset.
        encoder: Whose features; its network is not loaded.
        store: Where they are; nothing is computed.
        row: The image.
        count: How many at most.

    Raises:
        DataError: Features are not in the store.
    """
    train = dataset.rows("train")
    table = store.images(encoder)
    located = table.find(dataset.hashes(np.concatenate([[row], train])))
    readable = table.readable(located)
    if not readable[0] or not readable[1:].any():
        raise DataError(
            f"features of {dataset.name!r} by {encoder.name} are not in the cache; "
            f"`workbench embed {dataset.name} --model {encoder.name} --to FILE` computes them."
        )
    vectors = normalise(table.gather(located, "pooled"))
    likeness = np.where(readable[1:], vectors[1:] @ vectors[0], -np.inf)
    best = np.argsort(-likeness, kind="stable")[: min(count, int(readable[1:].sum()))]
    return [(int(train[i]), float(likeness[i])) for i in best]
