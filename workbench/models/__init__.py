"""Pretrained dual encoders: what they are called, what identifies them, and how they load.

Importing this package imports neither torch nor open_clip.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.models.encoder import Encoder, open_model
from workbench.models.parameters import Tower, has_batch_norm, is_image_parameter, tower_parameters
from workbench.models.plugin import ModelPlugin, models
from workbench.models.precision import native_bf16, resolve_device, resolve_precision
from workbench.models.spec import ModelSpec, parse_model

if TYPE_CHECKING:
    from workbench.models.attention import merge_attention, split_attention
    from workbench.models.export import save_checkpoint
    from workbench.models.loaded import LoadedModel, to_device

_HEAVY = {
    "LoadedModel": "loaded",
    "to_device": "loaded",
    "merge_attention": "attention",
    "split_attention": "attention",
    "save_checkpoint": "export",
}

__all__ = [
    "Encoder",
    "LoadedModel",
    "ModelPlugin",
    "ModelSpec",
    "Tower",
    "has_batch_norm",
    "is_image_parameter",
    "merge_attention",
    "models",
    "native_bf16",
    "open_model",
    "parse_model",
    "resolve_device",
    "resolve_precision",
    "save_checkpoint",
    "split_attention",
    "to_device",
    "tower_parameters",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"workbench.models.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'workbench.models' has no attribute {name!r}")
