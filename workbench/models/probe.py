"""Small fixed inputs that tell how a model behaves, whatever data it will be used on."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

_TEXTS = (
    "a photo of a cat.",
    "An X-ray, 2 cm wide: 37% opaque; the (left) lung's 3rd lobe",
    "Rosa × hybrida 'Peace', épineux, 赤い花, красный цветок 🌹",
    "  two  spaces and\ta tab, UPPER lower MiXeD ",
    "a very long sentence about nothing at all " * 40,
)


def photographs(preprocess: Callable[["Image"], Tensor]) -> Tensor:
    """The quadrants of the two photographs that scikit-learn ships, preprocessed.

    Synthetic pictures are no measure of drift: networks answer noise less surely than anything they will see.

    Returns:
        (8, 3, h, w).
    """
    from PIL import Image

    # Found without importing scikit-learn, which takes seconds.
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None
    crops = []
    for name in ("china.jpg", "flower.jpg"):
        with Image.open(Path(found.origin).parent / "datasets" / "images" / name) as image:
            w, h = image.width // 2, image.height // 2
            boxes = [(x, y, x + w, y + h) for x in (0, w) for y in (0, h)]
            crops += [preprocess(image.convert("RGB").crop(box)) for box in boxes]
    return torch.stack(crops)


def tokenizer_digest(tokenizer: Callable[[Sequence[str]], Tensor]) -> str:
    """Digest of what a tokenizer makes of a few texts."""
    tokens = tokenizer(list(_TEXTS)).to(torch.int64)
    return hashlib.sha256(repr((tuple(tokens.shape), tokens.tolist())).encode()).hexdigest()
