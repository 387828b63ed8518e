"""Views: what is done to an image before the model's own preprocessing. The view is part of a feature's key.

Views of regions (`regions.py`) need a box besides the image; their names are known here.
"""

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


REGION_VIEWS = ("crop", "blur", "circle")
"""What surrounds a candidate box, see `regions.cut_out`."""


def check_view(view: str) -> None:
    """Refuse a name that is neither in `VIEWS` nor in `REGION_VIEWS`."""
    known = [*VIEWS, *REGION_VIEWS]
    if view not in known:
        raise WorkbenchError(f"view {view!r}: unknown.{closest(view, known)}")
