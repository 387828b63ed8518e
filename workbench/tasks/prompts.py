"""Class names as sentences, and sentences as class embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.tasks.model import TaskModel

PromptKind = Literal["single", "ensemble", "descriptions", "mix"]


@dataclass(frozen=True)
class ClassPrompts:
    """Sentences for each class.

    Attributes:
        class_names: In label order.
        templates: Each holds `{}` once; the first is the single template.
        descriptions: Class name to sentences; classes may be missing.
    """

    class_names: tuple[str, ...]
    templates: tuple[str, ...]
    descriptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def sentences(self, kind: PromptKind) -> list[list[str]]:
        """The sentences of each class.

        Args:
            kind: `single` uses the first template, `ensemble` all of them, `descriptions` the class's own sentences
                (the first template where a class has none), `mix` ensemble and descriptions.
        """
        if kind == "mix":
            both = zip(self.sentences("ensemble"), self.sentences("descriptions"), strict=True)
            return [[*named, *described] for named, described in both]
        if kind == "descriptions":
            first = self.templates[0]
            return [list(self.descriptions.get(name) or (first.replace("{}", name),)) for name in self.class_names]
        templates = self.templates[:1] if kind == "single" else self.templates
        return [[template.replace("{}", name) for template in templates] for name in self.class_names]

    def subset(self, classes: IntArray) -> "ClassPrompts":
        """The prompts of some classes, in that order."""
        return replace(self, class_names=tuple(self.class_names[c] for c in classes))


def class_embeddings(model: TaskModel, texts: Sequence[Sequence[str]]) -> FloatArray:
    """Mean of each class's normalised sentence embeddings, renormalised.

    Radford et al. (ICML 2021), section 3.1.4.

    Args:
        model: Embeds the sentences.
        texts: At least one sentence for each class.

    Returns:
        Shape (n_classes, embed_dim), rows of unit norm.
    """
    embedded = normalise(model.encode_texts(list(chain.from_iterable(texts))))
    starts = np.cumsum([0, *(len(own) for own in texts[:-1])])
    return normalise(np.add.reduceat(embedded, starts, axis=0))
