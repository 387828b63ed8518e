"""Operating points: thresholds of a score, chosen on validation by what they are to reach there.

A point is a text: `youden`, `mcc`, `sensitivity=0.95`, `specificity=0.9`, or `cost=5`, where a missed positive costs as
much as five false alarms. Scores are log-odds that an item is positive, which is decided from the threshold on.
"""

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.errors import DataError
from workbench.metrics.functional import Values

_KINDS = ("youden", "sensitivity", "specificity", "cost", "mcc")
_WITHOUT_NUMBER = ("youden", "mcc")


def parse_point(point: str) -> tuple[str, float]:
    """The kind of a point and its number; 1 for those without one.

    Raises:
        ValueError: It is no point; says what one looks like.
    """
    kind, equals, text = (part.strip() for part in point.partition("="))
    try:
        number = float(text) if equals else 1.0
    except ValueError:
        number = float("nan")
    takes_number = kind not in _WITHOUT_NUMBER
    inside = number > 0 and (kind == "cost" or number <= 1)
    if kind not in _KINDS or bool(equals) != takes_number or not inside or not np.isfinite(number):
        raise ValueError(
            f"{point!r} is no operating point; there are 'youden', 'sensitivity=S' and 'specificity=S' with S above 0 "
            "and up to 1, 'cost=C', where a missed positive costs as much as C false alarms, and 'mcc'"
        )
    return kind, number


def choose_threshold(point: str, scores: AnyArray, positive: BoolArray) -> float:
    """The threshold of validation scores that an operating point asks for.

    `sensitivity=S` is the highest threshold that finds the share S of the positives, `specificity=S` the lowest that
    leaves the share S of the negatives alone. `youden` has the greatest sensitivity + specificity - 1 (Youden, Cancer
    1950), `cost=C` the least number of false alarms plus C times that of misses, `mcc` the greatest Matthews
    correlation; all three halfway to the next lower score and the highest of equally good ones.

    Args:
        point: See the module.
        scores: (n,), higher where positive is likelier.
        positive: bool (n,).

    Returns:
        An item is taken for positive where its score is at least this; infinite where none, or all, are.

    Raises:
        DataError: There is no positive or no negative item.
        ValueError: See `parse_point`.
    """
    kind, number = parse_point(point)
    values, truth = np.asarray(scores, np.float64), np.asarray(positive, np.bool_)
    positives, negatives = np.sort(values[truth])[::-1], np.sort(values[~truth])
    if not len(positives) or not len(negatives):
        raise DataError(
            f"operating point {point!r}: is chosen on validation images, which are {len(positives)} positive and "
            f"{len(negatives)} negative ones here; both kinds are needed."
        )
    if kind == "sensitivity":
        return threshold_of_share(positives, number)
    if kind == "specificity":
        return float(np.nextafter(negatives[_enough(number, len(negatives)) - 1], np.inf))
    steps = np.unique(values)[::-1]
    found = np.searchsorted(-positives, -steps, side="right")
    alarms = len(negatives) - np.searchsorted(negatives, steps, side="left")
    # Before the first step nothing is taken for positive.
    found, alarms = np.append(0, found), np.append(0, alarms)
    gain: AnyArray
    if kind == "mcc":
        gain = _correlations(found, alarms, len(positives), len(negatives))
    else:  # Youden's index is the gain at a cost that makes up for the kinds' numbers.
        gain = (len(negatives) / len(positives) if kind == "youden" else number) * found - alarms
    best = int(np.argmax(gain))
    edges = np.concatenate([[np.inf], (steps[:-1] + steps[1:]) / 2, [-np.inf]])
    return float(edges[best])


def threshold_of_share(scores: AnyArray, share: float) -> float:
    """The highest threshold that a share of the scores, (n,) with n > 0, is at or above."""
    return float(np.sort(np.asarray(scores, np.float64))[::-1][_enough(share, len(scores)) - 1])


def _correlations(found: AnyArray, alarms: AnyArray, positives: int, negatives: int) -> Values:
    """Matthews correlation of decisions with so many hits and false alarms each; 0 where all are decided alike."""
    taken = (found + alarms).astype(np.float64)
    spread = np.sqrt(taken * (positives + negatives - taken) * positives * negatives)
    covariance = found.astype(np.float64) * negatives - alarms.astype(np.float64) * positives
    return np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)


def _enough(share: float, count: int) -> int:
    """The least number of `count` items that is at least a share of them."""
    return max(1, int(np.ceil(share * count - 1e-9)))


def positive_log_odds(logits: AnyArray, positives: tuple[int, ...]) -> Values:
    """Log-odds that an item is of one of the positive classes, float64 (n,), from logits (n, c).

    Raises:
        DataError: All classes are positive, or none is.
    """
    exact = np.asarray(logits, np.float64)
    inside = np.isin(np.arange(exact.shape[1]), positives)
    if inside.all() or not inside.any():
        raise DataError(f"positive classes: expected some of {exact.shape[1]} classes, and not all; got {positives}.")
    return np.asarray(_log_sum(exact[:, inside]) - _log_sum(exact[:, ~inside]))


def _log_sum(logits: AnyArray) -> Values:
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)))
