"""A contact sheet: one HTML file with its pictures in it, which opens anywhere and asks for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.pages import fill

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE = 224
_TEMPLATE = Path(__file__).with_name("contact_sheet.html.j2")


@dataclass(frozen=True)
class SheetEntry:
    """An image of a sheet.

    Attributes:
        name: What it is called.
        lines: What stands below it.
        picture: JPEG; None where the image cannot be read any more.
    """

    name: str
    lines: tuple[str, ...]
    picture: bytes | None


def contact_sheet(title: str, about: str, entries: Sequence[SheetEntry]) -> str:
    """An HTML page.

    Args:
        title: The page's title and heading.
        about: A line below the heading.
        entries: In the order to be shown.

    Returns:
        A whole document: style and thumbnails are inside, everything from the data is escaped, and there is no script.
    """
    return fill(_TEMPLATE, title=title, about=about, entries=entries)


def as_thumbnail(image: "Image") -> bytes:
    """A small JPEG of a picture, which is made small itself."""
    image.thumbnail((_SIDE * 2, _SIDE * 2))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
