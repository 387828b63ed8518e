"""A cache of training images, and predictors from the affinities of an image to them."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from adapters._heads.neighbours import CacheHead, VoteHead
from adapters._heads.predictors import SavedArrays
from workbench.plugin import AnyArray, FloatArray, Head, ImageSet

_ENTRIES = 2**24
"""Affinities are held for so many pairs at once."""

_FLOOR = 1e-3
"""Share of a neighbours' vote that all classes divide equally, so that no class has probability 0."""


def row_slices(rows: int, keys: int) -> Iterator[slice]:
    """Slices of rows whose affinities to `keys` keys fit in memory; one, maybe empty, where all do."""
    step = max(1, _ENTRIES // max(1, keys))
    for start in range(0, max(1, rows), step):
        yield slice(start, start + step)


def by_rows(x: Tensor, keys: Tensor, logits: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `logits`, (b, m, n) affinities to (b, h, m, n_classes), to a bounded number of rows at a time."""
    pairs_a_row = keys.shape[0] * keys.shape[1]
    return torch.cat([logits(x[:, rows] @ keys.mT) for rows in row_slices(x.shape[1], pairs_a_row)], dim=2)


def cache_logits(affinity: Tensor, betas: Tensor, target: Tensor) -> Tensor:
    """exp(-beta (1 - affinity)) @ target: the logits of Tip-Adapter's cache, without alpha.

    Args:
        affinity: (b, m, n) cosines.
        betas: (b, h).
        target: (b, n, n_classes) one-hot; zero in padding.

    Returns:
        (b, h, m, n_classes).
    """
    by_beta = [((affinity - 1) * betas[:, k, None, None]).exp() @ target for k in range(betas.shape[1])]
    return torch.stack(by_beta, dim=1)


def neighbour_votes(affinity: Tensor, target: Tensor, mask: Tensor, k: list[int], temperature: list[float]) -> Tensor:
    """Log-probabilities of classes by the weighted vote of the nearest neighbours.

    A neighbour at cosine s votes with exp(s / temperature).

    Args:
        affinity: (b, m, n) cosines.
        target: (b, n, n_classes) one-hot.
        mask: (b, n), 0 in padding.
        k: Numbers of neighbours.
        temperature: Temperatures.

    Returns:
        (b, len(k) * len(temperature), m, n_classes); the temperature varies fastest.
    """
    largest = min(max(k), affinity.shape[2])
    nearest, index = affinity.masked_fill(mask[:, None] == 0, -torch.inf).topk(largest, dim=2)
    label = target.argmax(dim=2)[:, None].expand(-1, index.shape[1], -1).gather(2, index)
    n_classes = target.shape[2]
    log_shares = []
    for neighbours in k:
        for t in temperature:
            weight = ((nearest[..., :neighbours] - nearest[..., :1]) / t).exp()
            votes = weight.new_zeros(*weight.shape[:2], n_classes).scatter_add_(2, label[..., :neighbours], weight)
            share = votes / weight.sum(dim=2, keepdim=True)
            log_shares.append(((1 - _FLOOR) * share + _FLOOR / n_classes).log())
    return torch.stack(log_shares, dim=1)


class NearestNeighbours(SavedArrays):
    """Votes of the nearest of `keys` (n, d), whose classes are `labels` (n,)."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        k, temperature = [int(self.settings["k"])], [float(self.settings["temperature"])]
        keys, target = self._cache()
        mask = target.new_ones(1, len(keys))
        x = torch.from_numpy(self.features(images, self.settings["space"]))
        votes = by_rows(x[None], keys[None], lambda a: neighbour_votes(a, target[None], mask, k, temperature))
        return _array(votes[0, 0])

    def as_head(self) -> Head:
        """See `Predictor.as_head`."""
        keys, target = self._cache()
        k, temperature = min(int(self.settings["k"]), len(keys)), float(self.settings["temperature"])
        return VoteHead(keys, target, self.settings["space"], k, temperature, _FLOOR)

    def _cache(self) -> tuple[Tensor, Tensor]:
        labels = torch.from_numpy(self.arrays["labels"]).long()
        target = F.one_hot(labels, int(self.settings["n_classes"])).float()
        return torch.from_numpy(self.arrays["keys"]), target


class KeyValueCache(NearestNeighbours):
    """Tip-Adapter: `projected @ text_weight.T + bias + alpha * exp(-beta (1 - x @ keys.T)) @ one_hot(labels)`."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        keys, target = self._cache()
        betas = torch.tensor([[float(self.settings["beta"])]])
        x = torch.from_numpy(self.features(images, self.settings["space"]))
        cached = by_rows(x[None], keys[None], lambda a: cache_logits(a, betas, target[None]))
        text = self.features(images, "projected") @ self.arrays["text_weight"].T
        return self.shifted(np.asarray(float(self.settings["alpha"]) * _array(cached[0, 0]) + text, dtype=np.float32))

    def as_head(self) -> Head:
        """See `Predictor.as_head`."""
        keys, target = self._cache()
        alpha, beta = float(self.settings["alpha"]), float(self.settings["beta"])
        return CacheHead(keys, alpha * target, self.settings["space"], beta, self.arrays["text_weight"], self.offset())

    def extended(self, seen: AnyArray, text: FloatArray, margin: float) -> Self:
        """See `SavedArrays.extended`."""
        predictor = super().extended(seen, text, margin)
        predictor.arrays["labels"] = seen[self.arrays["labels"].astype(np.int64)].astype(np.float32)
        predictor.settings = {**self.settings, "n_classes": len(text)}
        return predictor


def _array(values: Tensor) -> AnyArray:
    array: Any = values.numpy()
    return np.asarray(array, dtype=np.float32)
