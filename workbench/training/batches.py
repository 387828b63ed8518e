"""Batches of a training on images, and the parts of them that fit into memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from workbench.arrays import AnyArray


@dataclass(frozen=True)
class Batch:
    """Images of a step, or this process's of them.

    Attributes:
        rows: int64 (n,), of the training images.
        shown: Pixels (n, 3, h, w), or (where the image tower is not trained) embeddings (n, d).
        share: Of the whole batch, 0..1.
    """

    rows: AnyArray
    shown: Tensor
    share: float = 1.0


def parts_of(batch: Batch, size: int | None, rng: np.random.Generator) -> Iterator[tuple[Batch, float]]:
    """Parts with their shares of the whole batch; all see the sentences that it would see.

    Args:
        batch: The batch.
        size: Images of a part at most; None for all.
        rng: Draws sentences; it is set back before each part.
    """
    if not len(batch.rows):
        return
    if size is None or len(batch.rows) <= size:
        yield batch, batch.share
        return
    drawn = rng.bit_generator.state
    for index in np.array_split(np.arange(len(batch.rows)), math.ceil(len(batch.rows) / size)):
        rng.bit_generator.state = drawn
        part = Batch(batch.rows[index], batch.shown[index])
        yield part, batch.share * len(index) / len(batch.rows)
