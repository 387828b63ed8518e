"""Numbers as people read them, the same on the terminal, in reports and on the dashboard.

Files for machines (JSON, CSV, Parquet, MLflow) hold numbers unrounded and do not come here.
"""

import math

MISSING = "-"
"""In place of a number that there is not."""

_PLAIN = (
    "nll", "median_rank", "cider", "clip_score", "cmmd", "cmmd_unbiased",
    "_seconds", "_bytes", "_parameters", "_per_second", "_images", "_items", "_groups", "_prompts",
)  # fmt: skip
_DIGITS_UP_TO = 10_000
_SMALLEST_P = 0.001


def in_per_cent(metric: str) -> bool:
    """Whether a metric is shown in per cent, as what lies in 0..1 is."""
    name = metric.partition("/")[0]
    return not (name.startswith("n_") or name.endswith(_PLAIN))


def heading(metric: str) -> str:
    """What a column or axis of the metric is called: its name, and its unit where it is shown in per cent."""
    return f"{metric} %" if in_per_cent(metric) else metric


def format_share(value: float, digits: int = 1) -> str:
    """A share of 0..1 in per cent: `71.4 %`.

    Args:
        value: The share; NaN is missing.
        digits: Behind the point; 0 for cells that have no room for more.
    """
    return MISSING if math.isnan(value) else f"{100 * value:z.{digits}f} %"


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
    return _number(value)


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


def format_p(p: float, *, name: str = "p") -> str:
    """A p-value: `p = 0.034`, and `p < 0.001` for all that is smaller.

    Args:
        p: NaN is missing.
        name: What it is called; nothing in a column that says so in its heading.
    """
    if math.isnan(p):
        sign, text = "=", MISSING
    elif p < _SMALLEST_P:
        sign, text = "<", f"{_SMALLEST_P:.3f}"
    else:
        sign, text = "=", f"{p:.3f}"
    if name:
        return f"{name} {sign} {text}"
    return text if sign == "=" else f"{sign} {text}"


def format_seconds(seconds: float) -> str:
    """A time: `0.21 s`, `3.0 s`, `48 s`, `5 min 12 s`, `3 h 10 min`."""
    if math.isnan(seconds):
        return MISSING
    if 0 < seconds < 0.01:
        return "< 0.01 s"
    if 0 < seconds < 9.95:
        return f"{seconds:#.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_count(count: float) -> str:
    """A number of things, thousands apart: `1,234,567`."""
    return MISSING if math.isnan(count) else f"{round(count):,}"


def counted(count: int, what: str, many: str = "") -> str:
    """A number with its noun: `1 run`, `3 runs`.

    Args:
        count: How many.
        what: The noun for one.
        many: The noun for several, where it is not `what` with an s.
    """
    return f"{format_count(count)} {what if count == 1 else many or what + 's'}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == round(value) or abs(value) >= _DIGITS_UP_TO:
        return format_count(value)
    return f"{value:z.3g}"
