"""Class names as sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from workbench.arrays import IntArray

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
            pairs = zip(self.sentences("ensemble"), self.sentences("descriptions"), strict=True)
            return [[*named, *described] for named, described in pairs]
        if kind == "descriptions":
            first = self.templates[0]
            return [list(self.descriptions.get(name) or (first.replace("{}", name),)) for name in self.class_names]
        templates = self.templates[:1] if kind == "single" else self.templates
        return [[template.replace("{}", name) for template in templates] for name in self.class_names]

    def subset(self, classes: IntArray) -> "ClassPrompts":
        """The prompts of some classes, in that order."""
        return replace(self, class_names=tuple(self.class_names[c] for c in classes))
