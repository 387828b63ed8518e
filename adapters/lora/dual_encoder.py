"""Embed images and texts with an adapted model, save it, and merge it for export."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from workbench.plugin import (
    AdaptedModel,
    Compute,
    DualEncoderPredictor,
    FitReport,
    FloatArray,
    ImageSet,
    LoadedModel,
    NetworkEncoder,
    PixelSource,
    TaskModel,
    Tower,
)

_SETTINGS = "dual_encoder.json"


class LoraDualEncoder(DualEncoderPredictor):
    """An adapted dual encoder; the tower without adapters is the base model's, whose cached features serve.

    Args:
        adapted: The model with its adapters.
        towers: Which of its towers have adapters.
        model: The base model.
        compute: Device and precision.
        scale: Multiplier of cosines.
        bias: Added last.
    """

    def __init__(
        self,
        adapted: AdaptedModel,
        towers: Sequence[Tower],
        model: TaskModel,
        compute: Compute,
        *,
        scale: float,
        bias: float,
    ) -> None:
        self._adapted, self._towers, self._model, self._compute = adapted, tuple(towers), model, compute
        self._encoder = NetworkEncoder(adapted.loaded, compute)
        self.scale, self.bias = scale, bias
        self.report = FitReport()

    def embed_images(self, images: ImageSet) -> FloatArray:
        """See `DualEncoderPredictor.embed_images`."""
        return self._encoder.embed_images(images) if "image" in self._towers else images.features.projected

    def embed_pixels(self, source: PixelSource) -> FloatArray:
        """The evaluation view of all images of a source."""
        return self._encoder.embed_pixels(source)

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `DualEncoderPredictor.embed_texts`."""
        return self._encoder.embed_texts(texts) if "text" in self._towers else self._model.encode_texts(texts)

    def save(self, directory: Path) -> None:
        """Write `dual_encoder.json` and the adapter, in peft's format."""
        settings = {
            "towers": self._towers,
            "precision": self._compute.precision,
            "scale": self.scale,
            "bias": self.bias,
        }
        (directory / _SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")
        self._adapted.save(directory)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Self:
        """Read what `save` wrote."""
        settings = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
        compute = Compute(device, settings["precision"])
        adapted = AdaptedModel.restore(directory, model, compute)
        return cls(
            adapted, settings["towers"], model, compute, scale=settings["scale"], bias=settings["bias"]
        )  # fmt: skip

    def merged(self, model: TaskModel) -> LoadedModel:
        """See `Fitted.merged`; the logit scale is the one that the scores are made with."""
        return self._adapted.merged(model, self.scale)
