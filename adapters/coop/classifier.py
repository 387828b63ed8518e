"""Class embeddings by learned prompts, saved together with the context that made them."""

from pathlib import Path
from typing import Any, Self

import numpy as np

from workbench.plugin import FitReport, FloatArray, LinearClassifier

_CONTEXT = "context.safetensors"


class CoopClassifier(LinearClassifier):
    """`scores = scale * cos(image, class embedding) + bias` on the base model's cached features.

    Args:
        context: (count, width) or (n_classes, count, width) learned vectors.
        weight: (n_classes, d) class embeddings of unit norm.
        bias: (n_classes,).
        scale: Multiplier of the cosines.
        report: How it was fitted.
    """

    def __init__(
        self,
        context: FloatArray,
        weight: FloatArray,
        bias: FloatArray,
        *,
        scale: float,
        report: FitReport | None = None,
    ) -> None:
        super().__init__(weight, bias, scale=scale, report=report)
        self.context = np.asarray(context, dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Add `context.safetensors` to what `LinearClassifier.save` writes."""
        from safetensors.numpy import save_file

        super().save(directory)
        save_file({"context": self.context}, directory / _CONTEXT)

    @classmethod
    def restore(cls, directory: Path) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        plain = LinearClassifier.restore(directory)
        context: dict[str, Any] = load_file(directory / _CONTEXT)
        return cls(context["context"], plain.weight, plain.bias, scale=plain.scale)
