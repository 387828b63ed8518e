"""HEIF, as telephones write it (.heic): Pillow reads it with the help of another package."""

from functools import cache

from workbench.datasets.unreadable import MissingExtraError

HEIF_SUFFIXES = (".heic", ".heif")
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_heif(data: bytes) -> bool:
    """Whether bytes are HEIF; AVIF, which is built alike, is none."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS and b"avif" not in data[8:40]


@cache
def register_heif() -> None:
    """Let Pillow open HEIF.

    Raises:
        MissingExtraError: pillow-heif is not installed.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise MissingExtraError("a HEIF image", "heif") from error
    register_heif_opener()
