"""Score images with an adapted dual encoder."""

import json
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from workbench.arrays import FloatArray, normalise
from workbench.images import ImageSet
from workbench.models.class_embeddings import class_embeddings
from workbench.models.task_model import TaskModel
from workbench.recipes import FitReport
from workbench.tasks import Predictor

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.models import LoadedModel
    from workbench.recipes.heads import Head
    from workbench.training.precision import Compute


_CLASSES = "classes.safetensors"
_SETTINGS = "classifier.json"


@dataclass(frozen=True)
class SavedClassifier:
    """The content of the files that `EncoderClassifier.save` writes.

    Attributes:
        adapts_images: Whether the image tower differs from the base model's.
        compute: Device and precision.
        classes: (n_classes, d) class embeddings of unit norm.
        scale: Multiplier of the cosines.
        bias: (n_classes,) added last.
    """

    adapts_images: bool
    compute: "Compute"
    classes: FloatArray
    scale: float
    bias: FloatArray

    @classmethod
    def read(cls, directory: Path, device: str) -> Self:
        """Read it, for a device."""
        from safetensors.numpy import load_file

        from workbench.training.precision import Compute

        settings = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
        tensors = load_file(directory / _CLASSES)
        compute = Compute(device, settings["precision"])
        return cls(settings["adapts_images"], compute, tensors["classes"], settings["scale"], tensors["bias"])


class EncoderClassifier(Predictor):
    """`scores = scale * cos(image, class embedding) + bias`, the image embedded by a network in memory.

    Recipes that change a network's weights subclass it, add their weights to what `save` writes, and define `merged`;
    `TunedClassifier` does so for weights of the network itself.

    Args:
        loaded: The network, on the device of `compute`; None where the image tower is the base model's, whose cached
            features then serve.
        compute: Device and precision.
        classes: (n_classes, d) class embeddings of unit norm.
        scale: Multiplier of the cosines.
        bias: (n_classes,) added last.
        report: How it was fitted.
    """

    def __init__(
        self,
        loaded: "LoadedModel | None",
        compute: "Compute",
        classes: FloatArray,
        *,
        scale: float,
        bias: FloatArray,
        report: FitReport | None = None,
    ) -> None:
        self.loaded = loaded
        self.compute = compute
        self.classes = np.asarray(classes, dtype=np.float32)
        self.scale = float(scale)
        self.bias = np.asarray(bias, dtype=np.float32)
        self.report = report or FitReport()

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        if self.loaded is None:
            embedded = images.features.projected
        else:
            embedded = np.concatenate(
                [np.empty((0, self.classes.shape[1]), np.float32)]
                + [part.numpy() for part in self._embedded(images, self.loaded)]
            )
        return np.asarray(self.scale * (normalise(embedded) @ self.classes.T) + self.bias, dtype=np.float32)

    @property
    def text_network(self) -> "LoadedModel | None":
        """The network whose text tower was trained; None where it is the base model's, whose embeddings are cached."""
        return None

    def for_classes(self, sentences: Sequence[Sequence[str]], model: TaskModel) -> Self:
        """See `Predictor.for_classes`; the offset of each class is the mean over those that it was fitted on."""
        other = copy(self)
        other.classes = self._embedded_classes(sentences, model)
        other.bias = np.full(len(other.classes), self.bias.mean(), dtype=np.float32)
        return other

    def _embedded_classes(self, sentences: Sequence[Sequence[str]], model: TaskModel) -> FloatArray:
        if self.text_network is None:
            return class_embeddings(model, sentences)
        from workbench.training._class_texts import ClassTexts

        classes: FloatArray = ClassTexts(self.text_network, sentences, self.compute).all().cpu().numpy()
        return classes

    def as_head(self) -> "Head":
        """See `Predictor.as_head`."""
        from workbench.recipes.heads import LinearHead

        return LinearHead(self.bias, projected=self.scale * self.classes)

    def tower(self, model: TaskModel) -> "LoadedModel | None":
        """See `Predictor.tower`."""
        return None if self.loaded is None else self.merged(model)

    def in_fp32(self) -> Self:
        """See `Predictor.in_fp32`."""
        other = copy(self)
        other.compute = replace(self.compute, precision="fp32")
        return other

    def save(self, directory: Path) -> None:
        """Write `classes.safetensors` and `classifier.json`, for `SavedClassifier.read`; the network is not in them."""
        from safetensors.numpy import save_file

        save_file({"classes": self.classes, "bias": self.bias}, directory / _CLASSES)
        settings = {
            "scale": self.scale,
            "precision": self.compute.precision,
            "adapts_images": self.loaded is not None,
        }
        (directory / _SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")

    def _embedded(self, images: ImageSet, loaded: "LoadedModel") -> "Iterator[Tensor]":
        import torch

        from workbench.training.pixels import PixelSource

        loaded.network.eval()
        batch_size = 256 if self.compute.on_gpu else 64
        for pixels in PixelSource(images, loaded, self.compute).evaluation(batch_size):
            with torch.inference_mode(), self.compute.autocast():
                yield loaded.image_features(pixels)[1].float().cpu()
