"""Values of metrics for readers: shares in per cent, others as plain numbers."""

import math

from workbench.formatting import MISSING, format_number, format_share
from workbench.metrics.metric import PER_CENT
from workbench.metrics.registry import quantity_named


def in_per_cent(metric: str) -> bool:
    """Whether a metric is shown in per cent."""
    return quantity_named(metric).unit == PER_CENT


def heading(metric: str) -> str:
    """The heading of a column or axis: the metric's name, and its unit where it is shown in per cent."""
    return f"{metric} %" if in_per_cent(metric) else metric


def format_value(metric: str, value: float, *, unit: bool = False) -> str:
    """A metric's value: `71.4` where it is a share, else three significant digits or a whole number.

    Args:
        metric: Its name.
        value: NaN is missing.
        unit: Write ` %` behind a share; a column says so in its `heading`.
    """
    if math.isnan(value):
        return MISSING
    if in_per_cent(metric):
        return format_share(value) if unit else format_share(value).removesuffix(" %")
    return format_number(value)


def format_interval(metric: str, low: float, high: float) -> str:
    """The two ends of an interval: `[66.1, 72.5]`; empty where there is none."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{format_value(metric, low)}, {format_value(metric, high)}]"


def format_difference(metric: str, value: float) -> str:
    """A difference of two values of a metric, with its sign: `+8.0 points` of per cent, or `-0.0123`."""
    if math.isnan(value):
        return MISSING
    return f"{100 * value:+z.1f} points" if in_per_cent(metric) else f"{value:+z.3g}"
