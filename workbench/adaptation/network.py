"""The dual encoder that is adapted: which of its weights are trained, how it embeds, and what it has become."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.adaptation.config import Training
from workbench.adaptation.stream import PairBatch
from workbench.errors import RecipeError
from workbench.models import has_batch_norm, tower_parameters
from workbench.models.task_model import TaskModel
from workbench.training import AdaptedModel, Compute, contrastive_loss, sigmoid_loss
from workbench.training.gradient_cache import Side, cached_backward

MAX_SCALE = 100.0
"""Of the multiplier of cosines; CLIP's own bound."""


class AdaptedNetwork:
    """A private copy of a model, of which some weights are trained.

    The network stays in eval mode: batch norm keeps its stored statistics.

    Args:
        model: The model before adaptation.
        training: How it is trained.
        compute: Device and precision.

    Attributes:
        loaded: The network in training.
        parameters: What is trained, by name, the scale and the bias of the logits among them.
        learning_rate: Peak.

    Raises:
        RecipeError: The model cannot be trained.
    """

    def __init__(self, model: TaskModel, training: Training, compute: Compute) -> None:
        self._model, self._training, self._compute = model, training, compute
        self._lora: AdaptedModel | None = None
        if training.method == "lora":
            self._lora = AdaptedModel.create(
                model, compute, training.towers, training.targets,
                rank=training.rank, alpha=training.alpha or float(training.rank), dropout=training.dropout,
            )  # fmt: skip
            self.loaded, parameters = self._lora.loaded, self._lora.parameters()
            usual = 2e-3 if self._lora.convolutional else 5e-4
        else:
            self.loaded = model.load()
            if self.loaded.frozen_reason:
                raise RecipeError(f"model {model.name!r} cannot be adapted: {self.loaded.frozen_reason}.")
            compute.place(self.loaded.network)
            parameters = tower_parameters(self.loaded.network, training.towers)
            for parameter in parameters.values():
                parameter.requires_grad_()
            usual = 2e-4 if "image" in training.towers and has_batch_norm(self.loaded.network) else 1e-5
        self.loaded.network.eval()
        self.learning_rate = training.learning_rate or usual
        sigmoid = training.loss == "sigmoid"
        knows_sigmoid = sigmoid and getattr(self.loaded.network, "logit_bias", None) is not None
        scale = training.scale or (model.logit_scale if knows_sigmoid or not sigmoid else 10.0)
        bias = (model.logit_bias if knows_sigmoid else -10.0) if sigmoid else 0.0
        self._log_scale = nn.Parameter(torch.tensor(math.log(scale), device=compute.device))
        self._bias = nn.Parameter(torch.tensor(bias, device=compute.device))
        self.parameters = {**parameters, "log_scale": self._log_scale}
        if sigmoid:
            self.parameters["bias"] = self._bias

    @property
    def scale(self) -> float:
        """Multiplier of cosines."""
        return float(self._scale.detach())

    @property
    def bias(self) -> float:
        """Added to scaled cosines."""
        return float(self._bias.detach())

    @property
    def _scale(self) -> Tensor:
        return self._log_scale.exp().clamp(max=MAX_SCALE)

    def train(self, on: bool) -> None:
        """Switch the adapters' dropout."""
        if self._lora is not None:
            self._lora.train_dropout(on)

    def backward(self, batch: PairBatch, inputs: Callable[[Sequence[Tensor]], Tensor]) -> Tensor:
        """Add the gradient of a batch's loss, and return the loss.

        Args:
            batch: Images and texts.
            inputs: From pixels of images to the network's input, see `PixelSource.inputs`.
        """
        size = self._training.micro_batch_size
        tokens = self.loaded.tokenizer(list(batch.texts))
        images = [partial(self._embed_images, part, inputs) for part in _cut(batch.images, size)]
        texts = [partial(self._embed_texts, part) for part in _cut(tokens, size)]
        sides = [Side(images, "image" in self._training.towers), Side(texts, "text" in self._training.towers)]
        belongs = torch.from_numpy(batch.belongs).to(self._compute.device)
        return cached_backward(sides, partial(self._loss, belongs), self._compute.device)

    def _embed_images(self, pixels: Sequence[Tensor], inputs: Callable[[Sequence[Tensor]], Tensor]) -> Tensor:
        with self._compute.autocast():
            return self.loaded.image_features(inputs(pixels))[1].float()

    def _embed_texts(self, tokens: Tensor) -> Tensor:
        with self._compute.autocast():
            return self.loaded.text_features(self.loaded.trim(tokens).to(self._compute.device)).float()

    def _loss(self, belongs: Tensor, images: Tensor, texts: Tensor) -> Tensor:
        cosines = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T
        kind = contrastive_loss if self._training.loss == "contrastive" else sigmoid_loss
        return kind(self._scale * cosines + self._bias, belongs)

    def weights(self) -> dict[str, Tensor]:
        """The weights of the stock network that are others now than before, by its names, on the CPU.

        Adapters are merged into the layers that they are of.
        """
        base = self._model.load().network.state_dict()
        if self._lora is not None:
            now = self._lora.merged(self._model, self.scale).network.state_dict()
        else:
            now = self.loaded.network.state_dict()
        changed = {
            name: value.detach().cpu().clone()
            for name, value in now.items()
            if name not in _LOGITS and not torch.equal(value.detach().cpu(), base[name])
        }
        changed["logit_scale"] = torch.full_like(base["logit_scale"], math.log(self.scale))
        if "bias" in self.parameters and "logit_bias" in base:
            changed["logit_bias"] = torch.full_like(base["logit_bias"], self.bias)
        return changed


_LOGITS = ("logit_scale", "logit_bias")


def _cut(items: Any, size: int | None) -> list[Any]:
    size = size or len(items)
    return [items[start : start + size] for start in range(0, len(items), size)]
