"""Views: what of an image a feature is of. The view is part of a feature's key."""

from workbench.errors import WorkbenchError
from workbench.registry import closest

EVAL = "eval"
"""The image as it is."""

REGION_VIEWS = ("crop", "blur", "circle")
"""Surroundings of a candidate box, see `regions.cut_out`."""


def check_view(view: str) -> None:
    """Refuse a name that is neither `EVAL` nor in `REGION_VIEWS`."""
    known = [EVAL, *REGION_VIEWS]
    if view not in known:
        raise WorkbenchError(f"view {view!r}: unknown.{closest(view, known)}")
