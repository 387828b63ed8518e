"""Comparisons in words."""

from workbench.metrics.comparison import PairedDifference
from workbench.metrics.names import higher_is_better

_NOT_SHARES = ("nll", "median_rank", "cider", "clip_score", "cmmd", "cmmd_unbiased")


def describe(
    difference: PairedDifference,
    a: str,
    b: str,
    metric: str,
    *,
    p_value: float | None = None,
    level: float = 0.05,
) -> str:
    """One or two sentences that say what a paired difference shows, and what it does not.

    A run is called better where the difference is evident; see `is_evident`.

    Args:
        difference: A minus B.
        a: What run A is called.
        b: What run B is called.
        metric: The metric's name.
        p_value: Corrected for the family that the comparison belongs to; the difference's own if None.
        level: Significance level.
    """
    p = difference.p_value if p_value is None else p_value
    low, high, value = difference.low, difference.high, difference.value
    test = f"{_probability(p)}{'' if p_value is None else ' after Holm correction'}, {difference.test}"
    if not is_evident(difference, p, level):
        span = f"95 % interval {_signed(low, metric)} to {_signed(high, metric)}, {test}"
        sentence = f"No evidence of a difference in {metric}: {a} minus {b} is {_signed(value, metric)} ({span})."
        # The interval counts seeds too, the test does not; a difference is claimed where both show it.
        unsure = " The test alone would show one, the interval does not." if p < level and value != 0 else ""
        return sentence + unsure + _caution(difference)
    better, worse = (a, b) if (value > 0) == higher_is_better(metric) else (b, a)
    if value < 0:
        low, high, value = -high, -low, -value
    span = f"95 % interval {_signed(low, metric)} to {_signed(high, metric)}, {test}"
    return f"{better} is better than {worse} in {metric} by {_signed(value, metric)[1:]} ({span})." + _caution(
        difference
    )


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


def _signed(value: float, metric: str) -> str:
    if metric.endswith(_NOT_SHARES):
        return f"{value:+.3g}"
    return f"{100 * value:+.1f} points"


def _probability(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
