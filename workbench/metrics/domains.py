"""Metrics in each domain (hospital, scanner, site, season), in the worst one, and the gap to unknown domains."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, Self

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray, IntArray
from workbench.metrics import functional as F
from workbench.metrics.evaluator import SharedFunction
from workbench.metrics.metric import Metric, Weighted

MEAN, WORST, GAP, SPREAD = "domain_", "worst_domain_", "gap_domain_", "spread_domain_"
"""Beginnings of the names of metrics over domains."""


def ranked_metric(name: str) -> str:
    """The metric that one over domains is of; others are themselves."""
    beginning = next((each for each in (WORST, GAP, SPREAD, MEAN) if name.startswith(each)), "")
    return name.removeprefix(beginning)


class InDomains(Protocol):
    """Predictions of items that lie in domains."""

    @property
    def domain_items(self) -> tuple[IntArray, ...]:
        """Positions of the items of each domain."""
        ...

    @property
    def is_source(self) -> BoolArray | None:
        """Whether each domain is one that training images are of; None if all are, or none is."""
        ...

    def only(self, items: IntArray) -> Self:
        """The predictions of some items."""
        ...


def domain_metrics(metric: Metric) -> tuple[Metric, ...]:
    """`domain_X`, the mean of a metric over domains with `domain_X/NAME` in each, and what is made of them.

    `worst_domain_X` is the worst, `spread_domain_X` the highest less the lowest, and `gap_domain_X` is between domains.

    The gap is the mean over the domains that training images are of, less the mean over the others: what is lost where
    the model meets a domain that it was not trained on. For metrics of which less is better it is negative then.

    Every domain counts alike, however many items it has, and those in which the metric is undefined do not count. The
    worst of several estimates is worse than the truth where domains are small (Koh et al., "WILDS: A Benchmark of
    in-the-Wild Distribution Shifts", ICML 2021, section 3.1, report it beside the mean); its interval allows for that,
    see `intervals.interval_of_worst`.

    Args:
        metric: Of the same predictions.
    """

    def mean(scores: InDomains) -> Weighted | None:
        values = _by_domain(metric, scores)
        if values is None:
            return None
        return Weighted(lambda weights: F.mean_of_defined(values(weights)), parts=values, boundary=_behind(scores))

    def worst(scores: InDomains) -> Weighted | None:
        values = _by_domain(metric, scores)
        if values is None:
            return None
        pick, by_domain = np.fmin if metric.higher_is_better else np.fmax, SharedFunction(values)
        sizes = [float(len(items)) for items in scores.domain_items]
        return Weighted(
            lambda weights: pick.reduce(by_domain(weights), axis=1),
            boundary=min(sizes), worst_of=by_domain, worst_boundaries=sizes,
        )  # fmt: skip

    def gap(scores: InDomains) -> Weighted | None:
        values, inside = _by_domain(metric, scores), scores.is_source
        if values is None or inside is None:
            return None

        def difference(weights: FloatArray) -> F.Values:
            by_domain = values(weights)
            return F.mean_of_defined(by_domain[:, inside]) - F.mean_of_defined(by_domain[:, ~inside])

        return Weighted(difference, boundary=_behind(scores))

    def spread(scores: InDomains) -> Weighted | None:
        values = _by_domain(metric, scores)
        if values is None:
            return None

        by_domain = SharedFunction(values)

        def difference(weights: FloatArray) -> F.Values:
            found = by_domain(weights)
            return np.asarray(np.fmax.reduce(found, axis=1) - np.fmin.reduce(found, axis=1))

        sizes = [float(len(items)) for items in scores.domain_items]
        return Weighted(difference, boundary=_behind(scores), worst_of=by_domain, worst_boundaries=sizes)

    shared = Metric(
        name=metric.name, of=metric.of, needs=(*metric.needs, "domain_items"), bounds=metric.bounds, unit=metric.unit,
        higher_is_better=metric.higher_is_better, from_counts=metric.from_counts, biased_under_resampling=True,
        only_on_request=True,
    )  # fmt: skip
    return (
        replace(shared, name=f"{MEAN}{metric.name}", of=mean),
        replace(shared, name=f"{WORST}{metric.name}", of=worst),
        replace(
            shared, name=f"{GAP}{metric.name}", of=gap, needs=(*shared.needs, "is_source"),
            bounds=metric.difference_bounds, higher_is_better=not metric.higher_is_better,
        ),
        replace(
            shared, name=f"{SPREAD}{metric.name}", of=spread, bounds=(0.0, metric.difference_bounds[1]),
            higher_is_better=False, spread_bounds=metric.bounds,
        ),
    )  # fmt: skip


def _by_domain(metric: Metric, scores: InDomains) -> Callable[[FloatArray], F.Values] | None:
    """Values (b, domains) of weights (b, n); NaN in domains in which the metric is undefined. None if it is in all."""
    parts = [(items, metric.of(scores.only(items))) for items in scores.domain_items]
    if all(weighted is None for _, weighted in parts):
        return None

    def values(weights: FloatArray) -> F.Values:
        columns = [
            np.full(len(weights), np.nan) if weighted is None else _value(weighted, weights[:, items])
            for items, weighted in parts
        ]
        return np.stack(columns, axis=1)

    return values


def _value(weighted: Weighted, weights: FloatArray) -> F.Values:
    if weighted.evaluate is not None:
        return weighted.evaluate(weights)
    assert weighted.terms is not None
    return F.weighted_means(weighted.terms[:, None], weights)[:, 0]


def _behind(scores: InDomains) -> float:
    """Effective number of items of a mean over domains; see `class_scores.number_behind_class_means`."""
    sizes = np.array([len(items) for items in scores.domain_items], dtype=np.float64)
    return float(len(sizes) ** 2 / (1 / sizes).sum())


def items_by_domain(codes: AnyArray | None) -> tuple[IntArray, ...] | None:
    """Positions of the items of each domain of codes, int64 (n,), -1 where an item is in none; None without codes."""
    if codes is None:
        return None
    return tuple(np.flatnonzero(codes == code).astype(np.int64) for code in range(int(codes.max()) + 1))


def which_are_sources(domain_items: Sequence[IntArray] | None, sources: Sequence[int]) -> BoolArray | None:
    """Whether each domain is one of `sources`, their numbers; None if all are, or none is, or there are no domains."""
    if domain_items is None:
        return None
    inside = np.isin(np.arange(len(domain_items)), sources)
    return np.asarray(inside) if inside.any() and not inside.all() else None


def numbered_domains(domains: Sequence[str | None] | None) -> tuple[list[str], IntArray | None]:
    """Names of domains in order, and the number of each item's, int64 (n,), -1 where it has none.

    Without a domain there are no numbers.
    """
    names = sorted({name for name in domains or () if name is not None})
    if domains is None or not names:
        return [], None
    number = {name: i for i, name in enumerate(names)}
    return names, np.array([-1 if name is None else number[name] for name in domains], dtype=np.int64)
