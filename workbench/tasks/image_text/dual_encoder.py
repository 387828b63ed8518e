"""The predictor that recipes return for retrieval, matching and grounding: images and texts in one space."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from workbench.arrays import FloatArray, normalise
from workbench.images import ImageSet
from workbench.models.task_model import TaskModel
from workbench.recipes import FitReport, Fitted

Space = Literal["pooled", "projected"]


class DualEncoderPredictor(Fitted, ABC):
    """Embeds images and texts; a pair's score is `scale * cosine + bias`.

    An embedding does not depend on the batch that an image or text comes in. The engine normalises, multiplies and
    ranks.

    Attributes:
        bias: Added to scaled cosines; where scores say true or false, 0 divides them.
    """

    bias: float = 0.0

    @abstractmethod
    def embed_images(self, images: ImageSet) -> FloatArray:
        """Shape (len(images), d); normalised or not."""

    @abstractmethod
    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Shape (len(texts), d); normalised or not."""


@dataclass(frozen=True)
class LinearMap:
    """`unit(projected) + unit(x) @ weight + offset`, the model's own embedding with a linear correction.

    Attributes:
        weight: (width of x, embed_dim); None for no correction.
        offset: (embed_dim,).
    """

    weight: FloatArray | None
    offset: FloatArray

    def __call__(self, projected: FloatArray, x: FloatArray) -> FloatArray:
        """Map rows; neither argument need be normalised."""
        mapped = normalise(projected) + self.offset
        if self.weight is not None:
            mapped += normalise(x) @ self.weight
        return np.asarray(mapped, dtype=np.float32)


class LinearDualEncoder(DualEncoderPredictor):
    """The model's own embeddings, or linear corrections of them.

    Args:
        model: Embeds the texts.
        image: Correction of images; None for the model's own embeddings.
        text: Correction of texts, whose x is the projected embedding itself.
        space: The image features that are x.
        scale: Multiplier of cosines; None takes the model's own.
        bias: Added last; None takes the model's own.
        report: The report of its fit.
    """

    def __init__(
        self,
        model: TaskModel,
        image: LinearMap | None = None,
        text: LinearMap | None = None,
        *,
        space: Space = "projected",
        scale: float | None = None,
        bias: float | None = None,
        report: FitReport | None = None,
    ) -> None:
        self._model = model
        self.image, self.text = image, text
        self.space: Space = space
        self.scale = model.logit_scale if scale is None else float(scale)
        self.bias = model.logit_bias if bias is None else float(bias)
        self.report = report or FitReport()

    def embed_images(self, images: ImageSet) -> FloatArray:
        """See `DualEncoderPredictor.embed_images`."""
        features = images.features
        return features.projected if self.image is None else self.image(features.projected, self._x(images))

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `DualEncoderPredictor.embed_texts`."""
        embedded = self._model.encode_texts(texts)
        return embedded if self.text is None else self.text(embedded, embedded)

    def _x(self, images: ImageSet) -> FloatArray:
        x: FloatArray = getattr(images.features, self.space)
        return x

    def save(self, directory: Path) -> None:
        """Write `dual_encoder.safetensors` and `dual_encoder.json`."""
        from safetensors.numpy import save_file

        tensors = {}
        for name, correction in (("image", self.image), ("text", self.text)):
            if correction is not None:
                tensors[f"{name}.offset"] = correction.offset
                tensors |= {} if correction.weight is None else {f"{name}.weight": correction.weight}
        save_file(tensors, directory / "dual_encoder.safetensors")
        settings = {"space": self.space, "scale": self.scale, "bias": self.bias}
        (directory / "dual_encoder.json").write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        tensors = load_file(directory / "dual_encoder.safetensors")
        settings: dict[str, Any] = json.loads((directory / "dual_encoder.json").read_text(encoding="utf-8"))
        maps = {
            name: LinearMap(tensors.get(f"{name}.weight"), tensors[f"{name}.offset"])
            if f"{name}.offset" in tensors
            else None
            for name in ("image", "text")
        }
        return cls(model, maps["image"], maps["text"], **settings)
