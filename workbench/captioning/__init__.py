"""Captions for images: written by a decoder, or taken from those that people wrote of similar images.

Importing this package does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.captioning.borrowing import captions_by_text, consensus_captions, nearest_rows

if TYPE_CHECKING:
    from workbench.captioning.decoding import beam_search
    from workbench.captioning.writing import Decoding, check_writes, write_captions

_HEAVY = {"beam_search": "decoding", "Decoding": "writing", "check_writes": "writing", "write_captions": "writing"}

__all__ = [
    "Decoding",
    "beam_search",
    "captions_by_text",
    "check_writes",
    "consensus_captions",
    "nearest_rows",
    "write_captions",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"workbench.captioning.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'workbench.captioning' has no attribute {name!r}")
