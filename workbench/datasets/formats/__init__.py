"""Formats of images that Pillow does not read by itself, told by their first bytes."""

from workbench.datasets.formats._base import Format, Header
from workbench.datasets.formats.dicom import Dicom
from workbench.datasets.formats.nifti import NiftiSlice, NiftiVolume

__all__ = ["Format", "Header", "format_of"]

_FORMATS: tuple[Format, ...] = (Dicom(), NiftiSlice(), NiftiVolume())


def format_of(data: bytes) -> Format | None:
    """The format of an encoded image; None for those of Pillow and for what is no image."""
    return next((own for own in _FORMATS if own.recognises(data)), None)
