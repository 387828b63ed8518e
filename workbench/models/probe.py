"""Small fixed inputs that tell how a model behaves, whatever data it will be used on."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from workbench.arrays import FloatArray
from workbench.errors import ModelError

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
    if found is None or found.origin is None:
        raise ModelError("scikit-learn is not installed, whose photographs a model is tried on; install it with pip.")
    crops = []
    for name in ("china.jpg", "flower.jpg"):
        with Image.open(Path(found.origin).parent / "datasets" / "images" / name) as image:
            w, h = image.width // 2, image.height // 2
            boxes = [(x, y, x + w, y + h) for x in (0, w) for y in (0, h)]
            crops += [preprocess(image.convert("RGB").crop(box)) for box in boxes]
    return torch.stack(crops)


def check_alive(name: str, projected: FloatArray, encode_texts: Callable[[Sequence[str]], FloatArray]) -> None:
    """Refuse a network whose features say nothing, as those of weights that were never loaded do.

    Args:
        name: The model's, for the message.
        projected: Image features of `photographs`, (n, d).
        encode_texts: Texts to features (n, d).

    Raises:
        ModelError: Features are zero, the same for all inputs, or not finite.
    """
    for kind, found in (("image", projected), ("text", encode_texts(_TEXTS[:2]))):
        what = (
            "not finite" if not np.isfinite(found).all() else
            "zero" if not found.any(axis=1).all() else
            "the same for every input" if (found == found[0]).all() else ""
        )  # fmt: skip
        if what:
            raise ModelError(f"model {name!r}: its {kind} features are {what}; its weights are damaged or incomplete.")


def tokenizer_digest(tokenizer: Callable[[Sequence[str]], Tensor]) -> str:
    """Digest of a tokenizer's vocabulary and rules, and of what it makes of a few texts.

    Texts alone would not tell of two words that changed places; and what a library's tokenizer consists of does not
    tell which ends of a text it keeps.
    """
    tokens = tokenizer(list(_TEXTS)).to(torch.int64)
    parts = [tuple(tokens.shape), tokens.tolist(), _content(tokenizer)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _content(tokenizer: Any) -> list[Any]:
    """What open_clip's own and Hugging Face's tokenizers consist of; nothing of a plug-in's."""
    found: list[Any] = [sorted(part.items()) for part in _tables(tokenizer)]
    inner: Any = getattr(tokenizer, "tokenizer", None)
    rust = getattr(inner, "backend_tokenizer", None)
    if rust is not None:
        rules = json.loads(rust.to_str())
        # Set by the last call, so that they tell when it was used and not what it is.
        found.append(json.dumps({**rules, "truncation": None, "padding": None}, sort_keys=True))
    elif hasattr(inner, "get_vocab"):
        found.append(sorted(inner.get_vocab().items()))
    return found


def _tables(tokenizer: Any) -> Iterator[dict[Any, int]]:
    for name in ("encoder", "bpe_ranks"):
        table = getattr(tokenizer, name, None)
        if isinstance(table, dict):
            yield table


def text_tower_settings(network: Any) -> dict[str, Any]:
    """What a Hugging Face text tower was built from, empty for open_clip's own: widths, heads, activation."""
    config: Any = getattr(getattr(getattr(network, "text", None), "transformer", None), "config", None)
    if not hasattr(config, "to_diff_dict"):
        return {}
    # Where its files lie, and with what they were written, does not change what it computes.
    apart = {"_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype"}
    settings = {key: value for key, value in config.to_diff_dict().items() if key not in apart}
    found: dict[str, Any] = json.loads(json.dumps(settings, sort_keys=True, default=str))
    return found
