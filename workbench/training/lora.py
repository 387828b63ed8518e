"""Put peft's LoRA adapters into a dual encoder, store them in peft's format, and merge them into the weights."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import peft
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from workbench.errors import RecipeError
from workbench.models import LoadedModel, Tower, is_image_parameter, merge_attention, split_attention
from workbench.models.task_model import TaskModel
from workbench.training.lora_targets import Targets, exactly, find_targets
from workbench.training.precision import Compute


class AdaptedModel:
    """A private copy of a model with adapters in it.

    Attributes:
        loaded: The model; its network calls the adapters.
    """

    def __init__(self, loaded: LoadedModel, wrapped: "peft.PeftModel") -> None:
        self.loaded = loaded
        self._wrapped = wrapped
        # Under autocast a cast of all activations to the adapters' fp32 and back would only cost time and memory.
        for layer in self._layers():
            layer.cast_input_dtype_enabled = False

    @classmethod
    def create(
        cls,
        model: TaskModel,
        compute: Compute,
        towers: Sequence[Tower],
        patterns: Targets | None,
        *,
        rank: int,
        alpha: float,
        dropout: float,
        use_rslora: bool = False,
    ) -> Self:
        """New adapters, which change nothing yet; multiplied by alpha / rank, or with rsLoRA by alpha / sqrt(rank).

        Raises:
            RecipeError: The model cannot be trained, or no layer matches.
        """
        loaded = _load(model)
        compute.place(loaded.network)
        names = find_targets(loaded.network, towers, patterns)
        settings = peft.LoraConfig(
            r=rank, lora_alpha=alpha, use_rslora=use_rslora, lora_dropout=dropout, target_modules=exactly(names)
        )  # fmt: skip
        return cls(loaded, peft.get_peft_model(loaded.network, settings))

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, compute: Compute) -> Self:
        """Adapters as `save` wrote them."""
        loaded = _load(model)
        compute.place(loaded.network)
        return cls(loaded, peft.PeftModel.from_pretrained(loaded.network, directory))

    @property
    def convolutional(self) -> bool:
        """Whether a convolution has an adapter."""
        return any(isinstance(layer.get_base_layer(), nn.Conv2d) for layer in self._layers())

    @property
    def adapts_texts(self) -> bool:
        """Whether a layer of the text tower has an adapter."""
        named = self.loaded.network.named_modules()
        return any(isinstance(module, BaseTunerLayer) and not is_image_parameter(name) for name, module in named)

    def parameters(self) -> dict[str, nn.Parameter]:
        """The adapters' weights, by name."""
        return {name: p for name, p in self.loaded.network.named_parameters() if p.requires_grad}

    def train_dropout(self, on: bool) -> None:
        """Switch the adapters' own dropout; the rest of the network stays as it is."""
        for layer in self._layers():
            layer.lora_dropout.train(on)

    def save(self, directory: Path) -> None:
        """Write `adapter_config.json` and `adapter_model.safetensors`, as `peft.PeftModel.from_pretrained` reads them.

        peft needs a network whose attention was split (`workbench.split_attention`).
        """
        self._wrapped.save_pretrained(str(directory), save_embedding_layers=False)

    def merged(self, model: TaskModel, scale: float) -> LoadedModel:
        """A copy without adapters and with stock attention, on the CPU, whose weights contain the adapters.

        Args:
            model: The base model.
            scale: Becomes the logit scale.
        """
        loaded = _load(model)
        wrapped = peft.get_peft_model(loaded.network, self._wrapped.peft_config["default"])
        peft.set_peft_model_state_dict(wrapped, peft.get_peft_model_state_dict(self._wrapped))
        loaded.network = wrapped.merge_and_unload(safe_merge=True)
        merge_attention(loaded.network)
        loaded.network.requires_grad_(False)
        parts: Any = loaded.network
        with torch.no_grad():
            parts.logit_scale.fill_(math.log(scale))
        return loaded

    def _layers(self) -> Iterator[Any]:
        return (module for module in self.loaded.network.modules() if isinstance(module, BaseTunerLayer))


def _load(model: TaskModel) -> LoadedModel:
    loaded = model.load()
    if loaded.frozen_reason:
        raise RecipeError(f"lora: model {model.name!r} cannot be adapted: {loaded.frozen_reason}.")
    split_attention(loaded.network)
    return loaded
