"""Score images with an adapted model, save it, and merge it for export."""

from pathlib import Path
from typing import Self

from workbench.plugin import (
    AdaptedModel,
    Compute,
    EncoderClassifier,
    FitReport,
    FloatArray,
    LoadedModel,
    SavedClassifier,
    TaskModel,
)


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

    @property
    def text_network(self) -> LoadedModel | None:
        """See `EncoderClassifier.text_network`."""
        return self._adapted.loaded if self._adapted.adapts_texts else None

    def save(self, directory: Path) -> None:
        """Add the adapter, in peft's format, to what `EncoderClassifier.save` writes."""
        super().save(directory)
        self._adapted.save(directory)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Self:
        """Read what `save` wrote."""
        saved = SavedClassifier.read(directory, device)
        adapted = AdaptedModel.restore(directory, model, saved.compute)
        return cls(
            adapted, saved.adapts_images, saved.compute, saved.classes, scale=saved.scale, bias=saved.bias
        )  # fmt: skip

    def merged(self, model: TaskModel) -> LoadedModel:
        """See `Predictor.merged`; the logit scale is the one that the scores are made with."""
        return self._adapted.merged(model, self.scale)
