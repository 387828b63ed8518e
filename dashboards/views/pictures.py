"""Thumbnails of a dataset's images, and the rows of its items."""

from io import BytesIO

from workbench.datasets import Dataset
from workbench.errors import WorkbenchError


def thumbnail(dataset: Dataset, row: int, size: int = 320) -> bytes | None:
    """An upright JPEG that fits into a square of `size` pixels; None where the image cannot be read."""
    try:
        image = dataset.decode(row)
    except (OSError, WorkbenchError):
        return None
    image.thumbnail((size, size))
    out = BytesIO()
    image.save(out, format="JPEG", quality=85)
    return out.getvalue()


def rows_by_id(dataset: Dataset) -> dict[str, int]:
    """Row of each item name."""
    return dict(zip(dataset.ids(range(len(dataset))), range(len(dataset)), strict=True))
