"""A linear head that classifies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.plugin import (
    FitReport,
    FloatArray,
    ImageSet,
    LinearDualEncoder,
    Predictor,
    TaskModel,
    class_embeddings,
    normalise,
)

if TYPE_CHECKING:
    from workbench.plugin import Head


@dataclass
class HeadClassifier(Predictor):
    """A head with the embeddings of classes.

    Attributes:
        head: Embeds images.
        classes: (n_classes, d) of unit norm.
        bias: (n_classes,), added to scaled cosines.
    """

    head: LinearDualEncoder
    classes: FloatArray
    bias: FloatArray
    report: FitReport = field(init=False)
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        self.report, self.scale = self.head.report, self.head.scale

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        embedded = normalise(self.head.embed_images(images))
        return np.asarray(self.scale * embedded @ self.classes.T + self.bias, dtype=np.float32)

    def for_classes(self, sentences: Sequence[Sequence[str]], model: TaskModel) -> "HeadClassifier":
        """See `Predictor.for_classes`."""
        bias = np.full(len(sentences), self.head.bias, dtype=np.float32)
        return HeadClassifier(self.head, class_weights(self.head, model, sentences), bias)

    def as_head(self) -> "Head":
        """See `Predictor.as_head`."""
        from adapters.linear_head.mapped import MappedHead

        return MappedHead(self.scale * self.classes, self.bias, self.head.image, self.head.space)

    def save(self, directory: Path) -> None:
        """Add `classes.safetensors` to what `LinearDualEncoder.save` writes."""
        from safetensors.numpy import save_file

        self.head.save(directory)
        save_file({"classes": self.classes, "bias": self.bias}, directory / "classes.safetensors")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel) -> "HeadClassifier":
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        tensors = load_file(directory / "classes.safetensors")
        return cls(LinearDualEncoder.restore(directory, model), tensors["classes"], tensors["bias"])


def class_weights(head: LinearDualEncoder, model: TaskModel, sentences: Sequence[Sequence[str]]) -> FloatArray:
    """Class embeddings as in zero-shot, with the sentences passed through the head."""
    if head.text is None:
        return class_embeddings(model, sentences)
    means = [normalise(head.embed_texts(class_sentences)).mean(axis=0) for class_sentences in sentences]
    return normalise(np.stack(means))
