"""The order in which a dataset's images are trained on: a function of seed and position, which nothing has to remember.

An epoch is a permutation of all images. Where a source reads ahead of the image that is asked for (the row groups of
Parquet files), that would read each file over and over. There images are taken by windows of neighbours in the
source's order, as WebDataset's shuffle buffers do: windows come in random order, and so do the images of each.
"""

from functools import lru_cache

import numpy as np

from workbench.arrays import IntArray


class ShuffledOrder:
    """An endless order over n images.

    Args:
        n: Number of images, at least 1.
        window: Neighbours that are shuffled together; None or n and more shuffle all.
        seed: Numbers that seed it.
    """

    def __init__(self, n: int, window: int | None, seed: tuple[int, ...]) -> None:
        self.n, self._window, self._seed = n, window, seed
        # Two epochs may meet in a batch.
        self._epoch = lru_cache(maxsize=2)(self._shuffled)

    def at(self, start: int, count: int) -> tuple[IntArray, IntArray]:
        """Images and their epochs, each int64 (count,), at the positions from `start` on."""
        positions = np.arange(start, start + count)
        epochs = positions // self.n
        parts = [self._epoch(int(epoch))[positions[epochs == epoch] % self.n] for epoch in np.unique(epochs)]
        return np.concatenate(parts), epochs

    def _shuffled(self, epoch: int) -> IntArray:
        rng = np.random.default_rng([*self._seed, epoch])
        if self._window is None or self._window >= self.n:
            return rng.permutation(self.n)
        starts = np.arange(0, self.n, self._window)
        parts = [np.arange(start, min(start + self._window, self.n)) for start in rng.permutation(starts)]
        return np.concatenate([rng.permutation(part) for part in parts])


def shares(weights: list[float], batch_size: int) -> list[int]:
    """Images of each dataset in a batch, by largest remainder (Hamilton), at least one each.

    Args:
        weights: Positive.
        batch_size: At least as many as datasets.
    """
    ideal = np.array(weights, np.float64) / sum(weights) * batch_size
    counts = np.maximum(np.floor(ideal).astype(np.int64), 1)
    while counts.sum() < batch_size:
        counts[np.argmax(ideal - counts)] += 1
    while counts.sum() > batch_size:  # Rare datasets were rounded up to one.
        counts[np.argmax(np.where(counts > 1, counts - ideal, -np.inf))] -= 1
    return [int(count) for count in counts]
