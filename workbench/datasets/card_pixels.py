"""A card's table `[pixels]`: how images of more than 8 bits become grey, and which page of a file is read."""

import math
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from workbench.datasets.card_sources import Section
from workbench.texts import shown

CT_WINDOWS = {
    "lung": (-1350.0, 150.0),  # Width 1500, level -600.
    "bone": (-500.0, 1300.0),  # Width 1800, level 400.
    "brain": (0.0, 80.0),  # Width 80, level 40.
    "soft": (-150.0, 250.0),  # Width 400, level 50: soft tissues of the abdomen.
}
"""Windows of computed tomography in Hounsfield units, lowest and highest value, from the widths and levels that
Radiopaedia gives (Bell, Murphy et al., "Windowing (CT)", https://radiopaedia.org/articles/windowing-ct)."""


Limits = tuple[float, float]
"""The values that become black and white."""


class Pixels(Section):
    """How the values in files become 8 bits. Without it, images of up to 8 bits are taken as they are.

    Attributes:
        window: Values that become black and white, or a name of `CT_WINDOWS`. It is for grey images of more than 8 bits
            and for all of DICOM and NIfTI, and wins over the windows that DICOM files name.
        range: What is used where there is no window: `dataset`, the lowest and highest value of all such images;
            `dtype`, what the type of the stored numbers can hold; or the two values.
        invert: Exchange black and white of all images, on top of what files themselves say (MINISWHITE, MONOCHROME1).
        page: Which page or frame of a file is read, counted from 1. By default the first, of DICOM the middle one.
        slices: Which slices of NIfTI volumes are images: shares of the axis (0.5 is the middle), or numbers from 0.
        axis: What slices are perpendicular to, in a volume turned to right, anterior, superior.
    """

    window: Limits | Literal["lung", "bone", "brain", "soft"] | None = None
    range: Limits | Literal["dataset", "dtype"] = "dataset"
    invert: bool = False
    page: int | None = Field(default=None, ge=1)
    slices: Literal["middle"] | tuple[int | float, ...] = "middle"
    axis: Literal["sagittal", "coronal", "axial"] = "axial"

    @field_validator("window", "range", mode="before")
    @classmethod
    def _named_or_ascending(cls, value: object, info: ValidationInfo) -> object:
        names = tuple(CT_WINDOWS) if info.field_name == "window" else ("dataset", "dtype")
        if value in names or (value is None and info.field_name == "window"):
            return value
        if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_number, value)):
            raise ValueError(f"expected [low, high] or one of {', '.join(names)}, got {shown(repr(value), 80)}")
        if not value[0] < value[1]:
            raise ValueError(f"expected [low, high] with low < high, got {list(value)}; invert = true inverts")
        return tuple(value)

    @field_validator("slices", mode="before")
    @classmethod
    def _shares_or_numbers(cls, value: object) -> object:
        if value == "middle":
            return value
        if not isinstance(value, list | tuple) or not value or not all(map(_is_slice, value)):
            raise ValueError(
                "expected 'middle' or a list of shares of 0.0..1.0 and of whole numbers from 0, got "
                f"{shown(repr(value), 80)}"
            )
        return tuple(value)

    @property
    def limits(self) -> tuple[float, float] | None:
        """The window in numbers; None where the card names none."""
        return CT_WINDOWS[self.window] if isinstance(self.window, str) else self.window


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_slice(value: object) -> bool:
    return _is_number(value) and (value >= 0 if isinstance(value, int) else 0 <= value <= 1)  # type: ignore[operator]
