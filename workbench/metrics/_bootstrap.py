"""Bootstrap weights over items, groups and seeds, and the estimates they give."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import WorkbenchError
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import ONE_OF, Evaluator
from workbench.metrics.functional import Values
from workbench.metrics.intervals import (
    Part,
    Units,
    degrees_of_freedom,
    effective_number,
    interval,
    interval_of_spread,
    interval_of_worst,
)
from workbench.metrics.metric import Metric, Quantity

_BLOCK_BYTES = 64 << 20


class Resampler:
    """Draws test items, whole groups where there are groups, with replacement.

    The weights depend on the number of items, the groups and the seed alone: two runs on the same items are resampled
    alike.

    Args:
        n: Number of items.
        groups: Group of each item, (n,), any values; None resamples items.
        replicates: Number of resamples.
        seed: Seeds the draws.

    Raises:
        WorkbenchError: There is no item, or less than one replicate.
    """

    def __init__(self, n: int, groups: AnyArray | None = None, *, replicates: int = 1000, seed: int = 0) -> None:
        if n == 0:
            raise WorkbenchError("No test item is left to compute metrics from; check the dataset's test split.")
        if replicates < 1:
            raise WorkbenchError(f"replicates: expected at least 1, got {replicates}.")
        if groups is not None and len(groups) != n:
            raise WorkbenchError(f"groups: expected one for each of the {n} test items, got {len(groups)}.")
        self.n = n
        self.replicates = replicates
        self._seed = seed
        # Groups are numbered in the order of their first item: renaming them changes nothing.
        self.unit_of = np.arange(n) if groups is None else _numbered(groups)
        self.n_units = int(self.unit_of.max()) + 1
        self.n_groups = None if groups is None else self.n_units
        self.units = Units(n, self.n_groups, effective_number(np.bincount(self.unit_of)))

    def freedom(self, terms: AnyArray | None) -> float | None:
        """`intervals.degrees_of_freedom` of a mean of `terms`; None without groups, or where it is no mean."""
        return None if terms is None or self.n_groups is None else degrees_of_freedom(terms, self.unit_of)

    def weights(self, *, sample: bool = False) -> Iterator[FloatArray]:
        """Blocks of weights (b, n), `replicates` rows in all, each block at most 64 MiB.

        An item's weights lie together in memory: that is the order in which metrics gather and sum them.

        Args:
            sample: Begin with a row of ones, the sample itself.
        """
        rows = max(1, _BLOCK_BYTES // (8 * self.n))
        blocks: Iterable[FloatArray] = (
            [_only_block(self.n_units, self.replicates, self._seed)]
            if rows >= self.replicates
            else _blocks(self.n_units, self.replicates, self._seed, rows)
        )
        for i, block in enumerate(blocks):
            counts = block if sample and i == 0 else block[:, 1:]
            yield counts.T if self.n_groups is None else counts[self.unit_of].T

    def seed_weights(self, n_seeds: int) -> Values:
        """Weights of seeds (replicates, n_seeds), summing to 1 in each replicate.

        Drawing s seeds with replacement understates the variance between seeds by (s - 1) / s, a third for three
        seeds; deviations from equal weights are scaled by sqrt(s / (s - 1)) to undo that (Rao and Wu, JASA 1988).
        """
        if n_seeds == 1:
            return np.ones((self.replicates, 1))
        rng = np.random.default_rng([self._seed, n_seeds])
        drawn = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=self.replicates)
        return np.asarray((1.0 + np.sqrt(n_seeds / (n_seeds - 1)) * (drawn - 1.0)) / n_seeds)


def replicate(evaluators: Sequence[Evaluator], resampler: Resampler) -> tuple[dict[str, Values], dict[str, Values]]:
    """Metrics of runs over seeds on the same items: values and bootstrap replicates.

    Args:
        evaluators: One a seed.
        resampler: Items and seeds are drawn together.

    Returns:
        By name the mean over seeds, shape (1,), and the replicates (replicates,). Metrics that some seed leaves
        undefined are left out.
    """
    seeds = resampler.seed_weights(len(evaluators))
    # The sample itself rides along as a first row: its value costs no second pass.
    blocks = [[evaluate(block) for evaluate in evaluators] for block in resampler.weights(sample=True)]
    values, replicates = {}, {}
    for name in blocks[0][0]:
        by_seed = np.stack(
            [np.concatenate([block[s][name] for block in blocks]) for s in range(len(evaluators))], axis=1
        )
        if not np.isnan(by_seed[0]).any():
            values[name] = by_seed[:1].mean(axis=1)
            replicates[name] = np.einsum("bs,bs->b", seeds, by_seed[1:])
    return values, replicates


def estimates(evaluators: Sequence[Evaluator], resampler: Resampler) -> dict[str, Estimate]:
    """Metrics of runs over seeds on the same items, each with its interval.

    Args:
        evaluators: One a seed, with the same metrics.
        resampler: Items and seeds are drawn together.
    """
    first = evaluators[0]
    values, replicates = replicate(evaluators, resampler)
    terms = {name: np.mean([run.terms[name] for run in evaluators], axis=0) for name in first.terms}
    return {
        name: estimate(
            first.metrics[name.partition("/")[0]], float(values[name][0]), replicates[name], resampler.units,
            boundary=first.boundary.get(name), freedom=resampler.freedom(terms.get(name)), seeds=len(evaluators),
            parts=worst_of(name, values, replicates, first.boundary),
        )
        for name in values
        if ONE_OF not in name
    }  # fmt: skip


def worst_of(
    name: str, values: Mapping[str, Values], replicates: Mapping[str, Values], boundary: Mapping[str, float]
) -> list[Part]:
    """What a metric is the worst of, as `replicate` gives it; empty for other metrics."""
    own = [part for part in values if part.startswith(f"{name}{ONE_OF}")]
    return [Part(float(values[part][0]), replicates[part], boundary.get(part)) for part in own]


def estimate(
    metric: Quantity,
    raw: float,
    replicates: Values,
    units: Units,
    *,
    boundary: float | None = None,
    freedom: float | None = None,
    seeds: int = 1,
    parts: Sequence[Part] = (),
) -> Estimate:
    """A metric with its interval, clipped to its bounds; arguments as for `intervals.interval`.

    With `parts` it is the worst of these, or their spread, and has the interval of that.
    """
    if parts and isinstance(metric, Metric) and metric.spread_bounds is not None:
        ends = interval_of_spread(metric, raw, parts, units, metric.spread_bounds, seeds=seeds)
    elif parts:
        ends = interval_of_worst(metric, raw, parts, units, seeds=seeds)
    else:
        ends = interval(metric, raw, replicates, units, boundary=boundary, freedom=freedom, seeds=seeds)
    value, low, high = (float(np.clip(number, *metric.bounds)) for number in (raw, *ends))
    return Estimate(value, low, high, units)


def _blocks(n_units: int, replicates: int, seed: int, rows: int) -> Iterator[FloatArray]:
    """Counts of draws of each unit, (n_units, 1 + b) for b <= rows replicates, behind a column of ones."""
    rng = np.random.default_rng(seed)
    for start in range(0, replicates, rows):
        count = min(rows, replicates - start)
        drawn = rng.integers(0, n_units, size=(count, n_units), dtype=np.int64)
        drawn += np.arange(count)[:, None] * n_units
        block = np.ones((n_units, 1 + count), dtype=np.float32)
        block[:, 1:] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(count, n_units).T
        block.setflags(write=False)
        yield block


@lru_cache(maxsize=2)
def _only_block(n_units: int, replicates: int, seed: int) -> FloatArray:
    """The same for all runs on a test set, so it is drawn once for all of them."""
    (block,) = _blocks(n_units, replicates, seed, replicates)
    return block


def _numbered(groups: AnyArray) -> AnyArray:
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
