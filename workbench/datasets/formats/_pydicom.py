"""pydicom, imported so that it tells nothing of patients."""

import logging
from functools import cache
from io import BytesIO
from typing import Any

from workbench.datasets.unreadable import MissingExtraError

DICOM_BEGINNING = 133
"""So many bytes tell whether a file is DICOM."""

_MARK = slice(128, 132)


def is_dicom(data: bytes) -> bool:
    """Whether bytes are a DICOM file: by the mark behind the preamble, else by the group of the first element."""
    return data[_MARK] == b"DICM" or (
        len(data) >= DICOM_BEGINNING and data[:2] in (b"\x02\x00", b"\x08\x00") and data[3] == 0 and data[2] < 0x20
    )


@cache
def pydicom() -> Any:
    """The package.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pydicom as package
        import pydicom.pixels
    except ImportError as error:
        raise MissingExtraError("a DICOM file", "medical") from error
    import warnings

    # It warns of odd values by quoting them, and a value may be a name or a birth date.
    package.config.settings.reading_validation_mode = package.config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    return package


def read_dicom(data: bytes, **options: Any) -> Any:
    """A `pydicom.Dataset`; raises whatever pydicom does, whose messages may quote what is in the file."""
    return pydicom().dcmread(BytesIO(data), force=True, **options)
