"""Numbers for readers, the same on the terminal, in reports and on the dashboard.

Files for machines (JSON, CSV, Parquet, MLflow) hold numbers unrounded and do not come here.
"""

import math

MISSING = "-"
"""In place of a missing number."""

_DIGITS_UP_TO = 10_000
_SMALLEST_P = 0.001


def format_share(value: float, digits: int = 1) -> str:
    """A share of 0..1 in per cent: `71.4 %`.

    Args:
        value: The share; NaN is missing.
        digits: Behind the point; 0 for narrow cells.
    """
    return MISSING if math.isnan(value) else f"{100 * value:z.{digits}f} %"


def format_p(p: float, *, name: str = "p") -> str:
    """A p-value: `p = 0.034`, and `p < 0.001` for all that is smaller.

    Args:
        p: NaN is missing.
        name: Its name; empty in a column whose heading has it.
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
    minutes, rest_seconds = divmod(whole, 60)
    return f"{minutes} min {rest_seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_count(count: float) -> str:
    """A number of things, thousands apart: `1,234,567`."""
    return MISSING if math.isnan(count) else f"{round(count):,}"


def counted(count: int, what: str, many: str = "") -> str:
    """A number with its noun: `1 run`, `3 runs`.

    Args:
        count: The number.
        what: The noun for one.
        many: The noun for several, where it is not `what` with an s.
    """
    return f"{format_count(count)} {what if count == 1 else many or what + 's'}"


def format_number(value: float) -> str:
    """Three significant digits, or a whole number."""
    if not math.isfinite(value):
        return str(value)
    if value == round(value) or abs(value) >= _DIGITS_UP_TO:
        return format_count(value)
    return f"{value:z.3g}"
