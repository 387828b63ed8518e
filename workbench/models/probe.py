"""Small fixed inputs that check a model's behaviour independently of its data."""

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
    """The two photographs that scikit-learn ships, preprocessed, (2, 3, h, w)."""
    from PIL import Image

    # Found without importing scikit-learn, which takes seconds.
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise ModelError("scikit-learn is not installed, whose photographs a model is tried on; install it with pip.")
    pictures = []
    for name in ("china.jpg", "flower.jpg"):
        with Image.open(Path(package.origin).parent / "datasets" / "images" / name) as image:
            pictures.append(preprocess(image.convert("RGB")))
    return torch.stack(pictures)


def check_alive(name: str, projected: FloatArray, encode_texts: Callable[[Sequence[str]], FloatArray] | None) -> None:
    """Refuse a network whose features say nothing, as those of weights that were never loaded do.

    Args:
        name: The model's, for the message.
        projected: Image features of `photographs`, (n, d).
        encode_texts: Texts to features (n, d); None where the model has none.

    Raises:
        ModelError: Features are zero, the same for all inputs, or not finite.
    """
    both = [("image", projected), *([("text", encode_texts(_TEXTS[:2]))] if encode_texts else [])]
    for modality, features in both:
        fault = (
            "not finite" if not np.isfinite(features).all() else
            "zero" if not features.any(axis=1).all() else
            "the same for every input" if (features == features[0]).all() else ""
        )  # fmt: skip
        if fault:
            raise ModelError(
                f"model {name!r}: its {modality} features are {fault}; its weights are damaged or incomplete."
            )


def tokenizer_digest(tokenizer: Callable[[Sequence[str]], Tensor]) -> str:
    """Digest of a tokenizer's vocabulary and rules, and of its tokens for a few texts.

    Texts alone would not show that two words changed places, and a library's vocabulary and rules do not show which end
    of a long text it cuts off.
    """
    tokens = tokenizer(list(_TEXTS)).to(torch.int64)
    parts = [tuple(tokens.shape), tokens.tolist(), _content(tokenizer)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _content(tokenizer: Any) -> list[Any]:
    """Vocabulary and rules of open_clip's and Hugging Face's tokenizers; empty for a plug-in's."""
    parts: list[Any] = [sorted(part.items()) for part in _tables(tokenizer)]
    inner: Any = getattr(tokenizer, "tokenizer", None)
    rust = getattr(inner, "backend_tokenizer", None)
    if rust is not None:
        rules = json.loads(rust.to_str())
        # The last call sets these, so they do not belong to the tokenizer.
        parts.append(json.dumps({**rules, "truncation": None, "padding": None}, sort_keys=True))
    elif hasattr(inner, "get_vocab"):
        parts.append(sorted(inner.get_vocab().items()))
    return parts


def _tables(tokenizer: Any) -> Iterator[dict[Any, int]]:
    for name in ("encoder", "bpe_ranks"):
        table = getattr(tokenizer, name, None)
        if isinstance(table, dict):
            yield table


def text_tower_settings(network: Any) -> dict[str, Any]:
    """Settings of a Hugging Face text tower (widths, heads, activation); empty for open_clip's towers."""
    config: Any = getattr(getattr(getattr(network, "text", None), "transformer", None), "config", None)
    if not hasattr(config, "to_diff_dict"):
        return {}
    # The path of its files and the versions that wrote them do not change what it computes.
    ignored = {"_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype"}
    settings = {key: value for key, value in config.to_diff_dict().items() if key not in ignored}
    values: dict[str, Any] = json.loads(json.dumps(settings, sort_keys=True, default=str))
    return values
