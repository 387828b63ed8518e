"""Predictors of recipes on features: saved arrays, and a classifier that is linear in both feature spaces."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from torch import Tensor

from workbench.plugin import (
    AnyArray,
    FitReport,
    Fitted,
    FloatArray,
    Head,
    ImageSet,
    LinearHead,
    Predictor,
    TaskModel,
    class_embeddings,
    normalise,
)

Space = Literal["pooled", "projected"]
_ROWS = 2**16  # Are normalised at a time: features may be larger than memory.


def as_float32(values: Tensor) -> FloatArray:
    """A tensor as a NumPy array on the CPU."""
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float32)


class ArrayFiles(Fitted):
    """What is fitted as arrays and settings, saved and restored by name; a predictor subclasses it, too.

    Args:
        arrays: float32 arrays by name.
        settings: Numbers and words by name.
        scale: See `Predictor`.
    """

    def __init__(self, arrays: dict[str, FloatArray], settings: dict[str, Any], *, scale: float = 1.0) -> None:
        self.arrays = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
        self.settings = settings
        self.scale = scale
        self.report = FitReport()

    def save(self, directory: Path) -> None:
        """Write `head.safetensors` and `head.json`."""
        from safetensors.numpy import save_file

        save_file(self.arrays, directory / "head.safetensors")
        (directory / "head.json").write_text(json.dumps({"scale": self.scale, **self.settings}), encoding="utf-8")

    @classmethod
    def restore(cls, directory: Path) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        settings = json.loads((directory / "head.json").read_text(encoding="utf-8"))
        scale = settings.pop("scale")
        return cls(load_file(directory / "head.safetensors"), settings, scale=scale)


class SavedArrays(ArrayFiles, Predictor):
    """A head on features made of arrays and settings; see `ArrayFiles`."""

    def extended(self, seen: AnyArray, text: FloatArray, margin: float) -> Self:
        """The predictor for more classes; the new ones are scored by their text alone.

        Args:
            seen: int64 (n_seen,), the numbers of this predictor's classes among all.
            text: (n_classes, d_projected) class embeddings of unit norm.
            margin: Taken off the scores of the seen classes.
        """
        arrays = dict(self.arrays)
        for name in {"weight", "bias", "text_weight"} & set(arrays):
            arrays[name] = np.zeros((len(text), *self.arrays[name].shape[1:]), np.float32)
        if "bias" in arrays:  # The part that classes have in common, such as the model's bias.
            arrays["bias"][:] = self.arrays["bias"].mean()
        arrays["text_weight"] = np.asarray(self.scale * text, np.float32)
        for name in {"weight", "bias", "text_weight"} & set(arrays):
            arrays[name][seen] = self.arrays[name]
        arrays["offset"] = np.zeros(len(text), np.float32)
        arrays["offset"][seen] = -margin
        return type(self)(arrays, self.settings, scale=self.scale)

    def shifted(self, scores: FloatArray) -> FloatArray:
        """Scores with the margin of `extended`."""
        return scores + self.arrays["offset"] if "offset" in self.arrays else scores

    def offset(self) -> FloatArray:
        """What `shifted` adds, (n_classes,)."""
        return self.arrays.get("offset", np.zeros(len(self.arrays["text_weight"]), np.float32))

    def features(self, images: ImageSet, space: str) -> FloatArray:
        """Unit-norm features, (n, d)."""
        return normalise(getattr(images.features, space))


class TextScored(SavedArrays):
    """A predictor whose classes are their text alone: `text_weight` is the scale times their embeddings."""

    def for_classes(self, sentences: Sequence[Sequence[str]], model: TaskModel) -> Self:
        """See `Predictor.for_classes`."""
        arrays = {name: array for name, array in self.arrays.items() if name != "offset"}
        arrays["text_weight"] = np.asarray(self.scale * class_embeddings(model, sentences), np.float32)
        return type(self)(arrays, self.settings, scale=self.scale)


class BlendedLinear(SavedArrays):
    """`x @ weight.T + projected @ text_weight.T + bias`, where `x` are pooled or projected features of unit norm."""

    @classmethod
    def of(cls, space: Space, weight: Tensor, bias: Tensor, text_weight: Tensor, *, scale: float = 1.0) -> Self:
        """From (n_classes, d), (n_classes,) and (n_classes, d_projected)."""
        arrays = {"weight": as_float32(weight), "bias": as_float32(bias), "text_weight": as_float32(text_weight)}
        return cls(arrays, {"space": space}, scale=scale)

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        visual, projected = getattr(images.features, self.settings["space"]), images.features.projected
        scores = np.empty((len(projected), len(self.arrays["bias"])), dtype=np.float32)
        for start in range(0, len(projected), _ROWS):
            rows = slice(start, start + _ROWS)
            text = normalise(projected[rows]) @ self.arrays["text_weight"].T
            scores[rows] = normalise(visual[rows]) @ self.arrays["weight"].T + text + self.arrays["bias"]
        return self.shifted(scores)

    def as_head(self) -> Head:
        """See `Predictor.as_head`."""
        visual, text = self.arrays["weight"], self.arrays["text_weight"]
        bias = self.arrays["bias"] + self.offset()
        if self.settings["space"] == "projected":
            return LinearHead(bias, projected=visual + text)
        return LinearHead(bias, pooled=visual, projected=text if text.any() else None)
