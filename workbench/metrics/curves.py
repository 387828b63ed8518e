"""Curves of positive against negative with pointwise 95 % bands: ROC, precision over recall, net benefit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler
from workbench.metrics.functional import Values, ratio

_SHARES = np.linspace(0.0, 1.0, 101)
_CHANCES = np.linspace(0.01, 0.99, 99)


@dataclass(frozen=True)
class Curve:
    """A curve with its band.

    Attributes:
        name: `roc`, `precision_recall` or `net_benefit`.
        x: (k,): share of false alarms, recall, or threshold probability.
        value: (k,): sensitivity, precision, or net benefit; NaN where undefined.
        low: Lower end of the band, (k,).
        high: Upper end.
    """

    name: str
    x: Values
    value: Values
    low: Values
    high: Values


def decision_curves(
    margins: AnyArray, positive: AnyArray, groups: AnyArray | None = None, *, replicates: int = 500, seed: int = 0
) -> list[Curve]:  # fmt: skip
    """The three curves; none where there is no positive or no negative item.

    Bands are percentiles of resampled items, or groups: 95 % at each place by itself, not for the curve as a whole.

    Net benefit at threshold probability t is TP / n - FP / n * t / (1 - t), where an item is treated whose probability
    is at least t: what a false alarm costs beside a hit is what t says (Vickers and Elkin, Medical Decision Making
    2006).

    Args:
        margins: (n,) log-odds that an item is positive.
        positive: bool (n,).
        groups: (n,) groups that are resampled whole.
        replicates: Number of resamples.
        seed: Seeds them.
    """
    exact, truth = np.asarray(margins, np.float64), np.asarray(positive, np.bool_)
    if truth.all() or not truth.any():
        return []
    resampler = Resampler(len(exact), groups, replicates=replicates, seed=seed)
    ranked, benefit = _ranked_curves(exact, truth), _net_benefit(exact, truth)
    one = F.ones(len(exact))
    sample = [own[0] for own in (*ranked(one), benefit(one))]
    blocks = [(*ranked(weights), benefit(weights)) for weights in resampler.weights()]
    drawn = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    # A resample without positives or negatives has no curve.
    low, high = ([np.nanquantile(own, level, axis=0) for own in drawn] for level in (0.025, 0.975))
    names, places = ("roc", "precision_recall", "net_benefit"), (_SHARES, _SHARES, _CHANCES)
    return [
        Curve(name, x, sample[i], np.fmin(low[i], sample[i]), np.fmax(high[i], sample[i]))
        for i, (name, x) in enumerate(zip(names, places, strict=True))
    ]  # fmt: skip


def treat_all(positive: AnyArray) -> Values:
    """Net benefit of treating everybody at the places of the curve, (99,); treating nobody has none."""
    share = float(np.mean(positive))
    return np.asarray(share - (1 - share) * _CHANCES / (1 - _CHANCES))


def _ranked_curves(margins: AnyArray, positive: AnyArray) -> Callable[[FloatArray], tuple[Values, Values]]:
    order = np.argsort(-margins, kind="stable")
    ordered, truth = margins[order], positive[order]
    # Items of equal margin are taken together.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def curves(weights: FloatArray) -> tuple[Values, Values]:
        exact = weights[:, order].astype(np.float64)
        found = np.cumsum(exact * truth, axis=1)[:, ends]
        alarms = np.cumsum(exact * ~truth, axis=1)[:, ends]
        recall, false = ratio(found, found[:, -1:]), ratio(alarms, alarms[:, -1:])
        precision = ratio(found, found + alarms)
        roc, over_recall = (np.full((len(weights), len(_SHARES)), np.nan) for _ in range(2))
        for i in range(len(weights)):
            if np.isnan(recall[i, -1]) or np.isnan(false[i, -1]):
                continue
            before = np.searchsorted(false[i], _SHARES + 1e-9, side="right")
            roc[i] = np.append(0.0, recall[i])[before]
            over_recall[i] = precision[i, np.searchsorted(recall[i], np.maximum(_SHARES, 1e-9) - 1e-9)]
        return roc, over_recall

    return curves


def _net_benefit(margins: AnyArray, positive: AnyArray) -> Callable[[FloatArray], Values]:
    treated = margins[:, None] >= np.log(_CHANCES / (1 - _CHANCES))[None, :]
    worth = np.where(positive[:, None], 1.0, -(_CHANCES / (1 - _CHANCES))[None, :]) * treated
    return lambda weights: F.weighted_means(worth, weights)


def rows_of(curves: Sequence[Curve]) -> list[dict[str, object]]:
    """A row a place, for tables: `curve`, `x`, `value`, `low`, `high`."""
    return [
        {"curve": curve.name, "x": x, "value": value, "low": low, "high": high}
        for curve in curves
        for x, value, low, high in zip(curve.x, curve.value, curve.low, curve.high, strict=True)
    ]  # fmt: skip
