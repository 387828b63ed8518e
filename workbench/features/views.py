"""Views: what is done to an image before the model's own preprocessing. The view is part of a feature's key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.registry import closest

if TYPE_CHECKING:
    from PIL.Image import Image


def _flip(image: "Image") -> "Image":
    from PIL import ImageOps

    return ImageOps.mirror(image)


VIEWS: dict[str, "Callable[[Image], Image]"] = {"eval": lambda image: image, "flip": _flip}
"""`eval` leaves the image as it is; `flip` mirrors it left to right."""


def check_view(view: str) -> None:
    """Refuse a name that is not in `VIEWS`."""
    if view not in VIEWS:
        raise WorkbenchError(f"view {view!r}: unknown.{closest(view, VIEWS)}")
