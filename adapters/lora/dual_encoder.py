"""Embed images and texts with an adapted model, save it, and merge it for export."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch

from workbench.plugin import (
    AdaptedModel,
    Compute,
    DualEncoderPredictor,
    FitReport,
    FloatArray,
    ImageSet,
    LoadedModel,
    PixelSource,
    TaskModel,
    Tower,
)

_SETTINGS = "dual_encoder.json"
_TEXTS = 128  # A batch of texts.


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
        self.scale, self.bias = scale, bias
        self.report = FitReport()

    def embed_images(self, images: ImageSet) -> FloatArray:
        """See `DualEncoderPredictor.embed_images`."""
        if "image" not in self._towers:
            return images.features.projected
        return self.embed_pixels(PixelSource(images, self._adapted.loaded, self._compute))

    def embed_pixels(self, source: PixelSource) -> FloatArray:
        """The evaluation view of all images of a source."""
        loaded = self._adapted.loaded
        loaded.network.eval()
        embeddings = [np.empty((0, self._model.embed_dim), np.float32)]
        for pixels in source.evaluation(256 if self._compute.on_gpu else 64):
            with torch.inference_mode(), self._compute.autocast():
                embeddings.append(loaded.image_features(pixels)[1].float().cpu().numpy())
        return np.concatenate(embeddings)

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `DualEncoderPredictor.embed_texts`; in fp32, as texts are embedded everywhere else."""
        if "text" not in self._towers:
            return self._model.encode_texts(texts)
        loaded = self._adapted.loaded
        loaded.network.eval()
        embeddings = [np.empty((0, self._model.embed_dim), np.float32)]
        for start in range(0, len(texts), _TEXTS):
            # Trimming to the longest text of a batch changes no embedding: padding is masked.
            tokens = loaded.trim(loaded.tokenizer(list(texts[start : start + _TEXTS]))).to(self._compute.device)
            with torch.inference_mode():
                embeddings.append(loaded.text_features(tokens).float().cpu().numpy())
        return np.concatenate(embeddings)

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
