"""Quantities of an adaptation: means over datasets on test, each by its own metric, before, after and chosen."""

from workbench.metrics.metric import PER_CENT, SHARE, Quantity

QUANTITIES: tuple[Quantity, ...] = tuple(
    Quantity(name=f"{name}{state}", bounds=SHARE, unit=PER_CENT)
    for name in ("in_domain", "retention")
    for state in ("", "_before", "_after")
)
