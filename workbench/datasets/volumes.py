"""The slices of volumes that are images: which they are, and how they are called."""

from workbench.datasets.card_pixels import Pixels
from workbench.datasets.formats.nifti import AXES, shape_of


def slices_of(data: bytes, pixels: Pixels) -> list[tuple[int, int]]:
    """The slices of a volume that a card asks for, each once: position in `AXES`, and number along it from 0.

    Args:
        data: The volume's file.
        pixels: The card's table.

    Raises:
        MissingExtraError: nibabel is not installed.
        UnreadableImageError: It is no volume of three dimensions.
    """
    axis = AXES.index(pixels.axis)
    count = shape_of(data)[axis]
    if pixels.slices == "middle":
        return [(axis, count // 2)]
    # A number that a volume does not reach is unreadable later.
    numbers = (own if isinstance(own, int) else min(int(own * count), count - 1) for own in pixels.slices)
    return [(axis, number) for number in dict.fromkeys(numbers)]


def slice_name(volume: str, axis: int, index: int) -> str:
    """The name of a slice for users: `scan.nii.gz#axial-12`."""
    return f"{volume}#{AXES[axis]}-{index}"


def slices_note(slices: int, volumes: int, pixels: Pixels) -> str:
    """A sentence about the slices that stand for volumes."""
    which = "the middle one" if pixels.slices == "middle" else "those of pixels.slices"
    return f"{slices} {pixels.axis} slices of {volumes} NIfTI volumes are the images: of each {which}."
