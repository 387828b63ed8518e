"""Class embeddings by a text tower that is being trained."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.models import LoadedModel
from workbench.training.precision import Compute

_BATCH = 128


class ClassEmbedder(Protocol):
    """Gives class embeddings that training changes."""

    def sample(self, rng: np.random.Generator) -> Tensor:
        """(n_classes, d) of unit norm, differentiable, for one step; `rng` draws what differs from step to step."""
        ...

    def all(self) -> Tensor:
        """(n_classes, d) of unit norm, without gradient, as images are classified with."""
        ...


class ClassTexts:
    """Sentences of classes, tokenised once.

    Args:
        loaded: The model.
        sentences: At least one for each class.
        compute: Device and precision.
    """

    def __init__(self, loaded: LoadedModel, sentences: Sequence[Sequence[str]], compute: Compute) -> None:
        self._loaded = loaded
        self._compute = compute
        self._counts = np.array([len(class_sentences) for class_sentences in sentences])
        self._starts = np.cumsum(self._counts) - self._counts
        tokens = loaded.tokenizer([sentence for class_sentences in sentences for sentence in class_sentences])
        self._tokens = loaded.trim(tokens).to(compute.device)
        self._class_of = torch.from_numpy(np.repeat(np.arange(len(sentences)), self._counts)).to(compute.device)

    def sample(self, rng: np.random.Generator) -> Tensor:
        """(n_classes, d) of unit norm, differentiable: one sentence of each class, drawn at random."""
        rows = torch.from_numpy(self._starts + rng.integers(self._counts)).to(self._tokens.device)
        with self._compute.autocast():
            return _unit(self._loaded.text_features(self._tokens[rows]))

    def all(self) -> Tensor:
        """(n_classes, d) of unit norm, without gradient: the renormalised mean over each class's sentences.

        In fp32, as texts are embedded everywhere else.
        """
        with torch.no_grad():
            rows = torch.cat([_unit(self._loaded.text_features(part)) for part in torch.split(self._tokens, _BATCH)])
            sums = rows.new_zeros(len(self._counts), rows.shape[1]).index_add_(0, self._class_of, rows)
            return F.normalize(sums, dim=1)


def _unit(embedded: Tensor) -> Tensor:
    return F.normalize(embedded.float(), dim=1)
