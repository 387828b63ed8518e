"""Score images with an adapted model, save it, and merge it for export."""

import json
from pathlib import Path
from typing import Self

from safetensors.numpy import load_file, save_file

from adapters.lora.adapted import AdaptedModel
from workbench import Compute, EncoderClassifier, FitReport, FloatArray, LoadedModel, TaskModel

_CLASSES = "classes.safetensors"
_SETTINGS = "lora.json"


class LoraClassifier(EncoderClassifier):
    """An adapted dual encoder as a classifier.

    Args:
        adapted: The model with its adapters.
        adapts_images: Whether the image tower has adapters; if not, the base model's cached features serve.
        compute: Device and precision.
        classes: (n_classes, d) class embeddings of unit norm.
        scale: Multiplier of the cosines.
        bias: (n_classes,) added last.
        report: How it was fitted.
    """

    def __init__(
        self,
        adapted: AdaptedModel,
        adapts_images: bool,
        compute: Compute,
        classes: FloatArray,
        *,
        scale: float,
        bias: FloatArray,
        report: FitReport | None = None,
    ) -> None:
        super().__init__(
            adapted.loaded if adapts_images else None, compute, classes, scale=scale, bias=bias, report=report
        )
        self._adapted = adapted

    def save(self, directory: Path) -> None:
        """Write the adapter in peft's format, `classes.safetensors` and `lora.json`."""
        self._adapted.save(directory)
        save_file({"classes": self.classes, "bias": self.bias}, directory / _CLASSES)
        settings = {
            "scale": self.scale,
            "precision": self.compute.precision,
            "adapts_images": self.loaded is not None,
        }
        (directory / _SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Self:
        """Read what `save` wrote."""
        settings = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
        tensors = load_file(directory / _CLASSES)
        compute = Compute(device, settings["precision"])
        return cls(
            AdaptedModel.restore(directory, model, compute),
            settings["adapts_images"],
            compute,
            tensors["classes"],
            scale=settings["scale"],
            bias=tensors["bias"],
        )

    def merged(self, model: TaskModel) -> LoadedModel:
        """See `Predictor.merged`; the logit scale is the one that the scores are made with."""
        return self._adapted.merged(model, self.scale)
