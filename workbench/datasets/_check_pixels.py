"""What a check finds in pixels: depths, images of another depth than most, and blank ones."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def is_blank(image: "Image") -> bool:
    """Whether all pixels of an RGB image are equal."""
    return all(low == high for low, high in image.getextrema())  # type: ignore[misc]


def of_other_depth(depths: Sequence[tuple[str, str]]) -> list[str]:
    """Images whose depth is not that of most, in words; none where no image has more than 8 bits.

    Args:
        depths: Name and depth of each image.
    """
    counts = Counter(depth for _, depth in depths)
    if len(counts) < 2 or not any(_is_deep(depth) for depth in counts):
        return []
    usual, _ = counts.most_common(1)[0]
    # Drawings of 1 or 4 bits beside photographs of 8 are made alike.
    shallow = not _is_deep(usual)
    return [
        f"{name}: {depth}, most have {usual}"
        for name, depth in depths
        if depth != usual and not (shallow and not _is_deep(depth))
    ]


def _is_deep(depth: str) -> bool:
    bits, _, _ = depth.partition(" ")
    return depth == "floating point" or (bits.isdecimal() and int(bits) > 8)
