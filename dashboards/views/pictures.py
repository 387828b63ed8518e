"""Thumbnails of a dataset's images, and the rows of its items."""

from collections.abc import Sequence
from io import BytesIO

from dashboards.views.outlines import Outline, draw
from workbench.datasets import Dataset
from workbench.errors import WorkbenchError


def thumbnail(dataset: Dataset, row: int, size: int = 320, outlines: Sequence[Outline] = ()) -> bytes | None:
    """An upright JPEG that fits into a square of `size` pixels, or None where the image cannot be read.

    Args:
        dataset: The dataset.
        row: The image.
        size: Width and height at most; a smaller image with boxes in it is enlarged, so that they can be read.
        outlines: Frames that are drawn into it.
    """
    try:
        image = dataset.decode(row)
    except (OSError, WorkbenchError):
        return None
    full_size = image.size
    if outlines and max(full_size) < size:
        scale = size / max(full_size)
        image = image.resize((round(full_size[0] * scale), round(full_size[1] * scale)))
    image.thumbnail((size, size))
    draw(image, outlines, full_size)
    out = BytesIO()
    image.save(out, format="JPEG", quality=85)
    return out.getvalue()


def rows_by_id(dataset: Dataset) -> dict[str, int]:
    """Row of each item name."""
    return dict(zip(dataset.ids(range(len(dataset))), range(len(dataset)), strict=True))
