"""Tent: as images come, the scales and shifts of the image tower's norms follow the entropy of the answers downhill.

Wang et al., "Tent: Fully Test-Time Adaptation by Entropy Minimization" (ICLR 2021): of each batch the mean entropy of
the predictions is lowered by one step on the affine parameters of the normalisation layers; the answers are those from
before the step. Batch norms take the statistics of the batch in place of the stored ones; layer norms, which CLIP's
transformers have, need none. The default is the paper's optimiser for ImageNet, SGD at 2.5e-4 with momentum 0.9 on
batches of 64.

What differs: predictions are CLIP's, scaled cosines with the class embeddings, which are fixed. Lower entropy is not
better calibration: the run records both in three orders. At a large rate, or over a long stream, all images can end in
one class; nothing sets the weights back within a stream.
"""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from adapters._heads.predictors import ArrayFiles
from adapters._unlabelled.start import StartConfig, zero_shot
from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    Compute,
    FloatArray,
    ImageSet,
    Inference,
    LoadedModel,
    OnlinePredictor,
    PixelSource,
    RecipeConfig,
    RecipeError,
    TaskModel,
    tower_parameters,
)

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from workbench.plugin import Tower


_TOWERS: "tuple[Tower, ...]" = ("image",)


class TentConfig(StartConfig):
    """Settings of `tent`.

    Attributes:
        batch_size: Images of a step.
        optimizer: `sgd` with momentum 0.9, or `adam`; both without weight decay.
        learning_rate: None takes 2.5e-4 for `sgd` and 1e-3 for `adam`, the paper's.
        steps: Steps a batch.
        precision: `auto` follows the run's `--precision`; weights are fp32 in any case.
    """

    batch_size: int = Field(default=64, ge=1)
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float | None = Field(default=None, gt=0)
    steps: int = Field(default=1, ge=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class Tent(ClassificationRecipe[TentConfig]):
    """Lower the entropy of each batch's answers through the norms of the image tower."""

    Config: ClassVar[type[RecipeConfig]] = TentConfig
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    trains: ClassVar[bool] = False
    unseen: ClassVar[bool] = True
    inference: ClassVar[Inference] = "online"

    def fit(self, task: ClassificationTask) -> "EntropyMinimiser":
        """Embed the class names, and load the network."""
        start = zero_shot(task, self.config)
        compute = Compute.resolve(task.device, self.config.precision, task.model.precision)
        rate = self.config.learning_rate or (2.5e-4 if self.config.optimizer == "sgd" else 1e-3)
        settings = {
            **self.config.model_dump(exclude={"prompts"}),
            "learning_rate": rate,
            "precision": compute.precision,
        }
        arrays = {"text": start.weight, "bias": start.bias}
        return EntropyMinimiser(arrays, settings, scale=start.scale).on(task.model, compute)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> "EntropyMinimiser":
        """See `ClassificationRecipe.restore`; the weights are those that every stream begins with."""
        found = EntropyMinimiser.restore(directory)
        return found.on(model, Compute(device, found.settings["precision"]))


class EntropyMinimiser(ArrayFiles, OnlinePredictor):
    """Adapts a private copy of the network, which each stream begins with as it was."""

    _loaded: LoadedModel
    _compute: Compute

    def on(self, model: TaskModel, compute: Compute) -> "EntropyMinimiser":
        """The same, with the network on a device.

        Raises:
            RecipeError: The network cannot be trained, or its image tower has no norms.
        """
        import torch

        self.batch_size = int(self.settings["batch_size"])
        self._loaded, self._compute = model.load(), compute
        if self._loaded.frozen_reason:
            raise RecipeError(f"tent: model {model.name!r} cannot be adapted: {self._loaded.frozen_reason}.")
        compute.place(self._loaded.network)
        self._loaded.network.eval().requires_grad_(requires_grad=False)
        self._norms = norm_parameters(self._loaded.network)
        if not self._norms:
            raise RecipeError(f"tent: the image tower of model {model.name!r} has no norms with scales and shifts.")
        self._before = {name: parameter.detach().clone() for name, parameter in self._norms.items()}
        with_batch_statistics(self._loaded.network)
        self._text = torch.from_numpy(self.arrays["text"]).to(compute.device)
        self._bias = torch.from_numpy(self.arrays["bias"]).to(compute.device)
        self.start()
        return self

    def start(self) -> None:
        """See `OnlinePredictor.start`."""
        import torch

        with torch.no_grad():
            for name, parameter in self._norms.items():
                parameter.requires_grad_().copy_(self._before[name])
        self._optimiser = self._made()

    def step(self, images: ImageSet) -> FloatArray:
        """See `OnlinePredictor.step`: the answers are those from before the last step on them."""
        (pixels,) = PixelSource(images, self._loaded, self._compute).evaluation(len(images))
        for _ in range(self.settings["steps"]):
            logits = self._logits(pixels)
            entropy = -(logits.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1).mean()
            self._optimiser.zero_grad()
            entropy.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
        return np.asarray(logits.detach().cpu().numpy(), dtype=np.float32)

    def _logits(self, pixels: "Tensor") -> "Tensor":
        import torch.nn.functional as F

        with self._compute.autocast():
            projected = self._loaded.image_features(pixels)[1].float()
        return self.scale * F.normalize(projected, dim=1) @ self._text.T + self._bias

    def _made(self) -> "Optimizer":
        from torch.optim import SGD, Adam

        rate = self.settings["learning_rate"]
        if self.settings["optimizer"] == "adam":
            return Adam(self._norms.values(), lr=rate)
        return SGD(self._norms.values(), lr=rate, momentum=0.9)


def norm_parameters(network: "nn.Module") -> "dict[str, nn.Parameter]":
    """Scales and shifts of the image tower's normalisation layers, by name."""
    norms = {
        f"{name}.{parameter_name}"
        for name, module in network.named_modules()
        if "norm" in type(module).__name__.lower()
        for parameter_name, _ in module.named_parameters(recurse=False)
    }
    return {name: parameter for name, parameter in tower_parameters(network, _TOWERS).items() if name in norms}


def with_batch_statistics(network: "nn.Module") -> None:
    """Let batch norms normalise by the batch that they see, and forget their stored statistics."""
    from torch.nn.modules.batchnorm import _BatchNorm

    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.train()
            module.track_running_stats = False
            module.running_mean = module.running_var = None
