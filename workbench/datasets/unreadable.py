"""Why an image cannot be read."""

from workbench.errors import DataError, WorkbenchError

MAX_PIXELS = 178_956_970
"""A larger image is refused before its pixels are allocated; where Pillow, too, speaks of a decompression bomb."""


class UnreadableImageError(DataError):
    """An image that cannot be read or decoded; from `decode_image` the message is the reason without a file name."""


class MissingExtraError(WorkbenchError):
    """A format that needs packages which are not installed; the message is the reason without a file name."""

    def __init__(self, name: str, extra: str) -> None:
        super().__init__(f"is {name}, which needs further packages: pip install 'clip-workbench[{extra}]'")


def check_size(width: int, height: int) -> None:
    """Raise `UnreadableImageError` for an image of more than `MAX_PIXELS`."""
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"{width} x {height} pixels are more than {MAX_PIXELS:,}")
