"""Comparisons in words."""

from workbench.formatting import format_p
from workbench.metrics.comparison import PairedDifference
from workbench.metrics.formatting import format_difference
from workbench.metrics.registry import higher_is_better


def describe(
    difference: PairedDifference,
    a: str,
    b: str,
    metric: str,
    *,
    p_value: float | None = None,
    level: float = 0.05,
) -> str:
    """One or two sentences on what a paired difference shows, and what it does not.

    A run is called better where the difference is evident; see `is_evident`.

    Args:
        difference: A minus B.
        a: Run A's name.
        b: Run B's name.
        metric: The metric's name.
        p_value: Corrected for the family that the comparison belongs to; the difference's own if None.
        level: Significance level.
    """
    p = difference.p_value if p_value is None else p_value
    test = f"{format_p(p)}{'' if p_value is None else ' after Holm correction'}, {difference.test}"
    if not is_evident(difference, p, level):
        size, span = _in_words(difference.value, difference.low, difference.high, metric)
        sentence = f"No evidence of a difference in {metric}: {a} minus {b} is {size} ({span}, {test})."
        # The interval counts seeds too, the test does not; a difference is claimed where both show it.
        unsure = p < level and difference.value != 0
        sentence += " The test alone would show one, the interval does not." if unsure else ""
        return sentence + _caution(difference)
    low, high, value = difference.low, difference.high, difference.value
    better, worse = (a, b) if (value > 0) == higher_is_better(metric) else (b, a)
    if value < 0:
        low, high, value = -high, -low, -value
    size, span = _in_words(value, low, high, metric)
    sentence = f"{better} is better than {worse} in {metric} by {size.removeprefix('+')} ({span}, {test})."
    return sentence + _caution(difference)


def is_evident(difference: PairedDifference, p_value: float, level: float = 0.05) -> bool:
    """Whether a difference is shown: the p-value is below `level` and the interval leaves 0 out."""
    return p_value < level and not difference.low <= 0 <= difference.high


def _caution(difference: PairedDifference) -> str:
    if difference.reliable:
        return ""
    units = difference.n if difference.n_groups is None else difference.n_groups
    kind = "items" if difference.n_groups is None else "groups"
    hopeless = ", and no test over so few can reach 5 %" if units <= 5 else ""
    return f" The interval rests on {units} {kind} and is unreliable{hopeless}."


def _in_words(value: float, low: float, high: float, metric: str) -> tuple[str, str]:
    """The difference, and its interval."""
    size, start, end = (format_difference(metric, number) for number in (value, low, high))
    return size, f"95 % interval {start} to {end}"
