"""Class names as sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from workbench.arrays import IntArray
from workbench.datasets.card import DatasetCard
from workbench.errors import CardError
from workbench.registry import closest

PromptKind = Literal["single", "ensemble", "descriptions", "mix"]


@dataclass(frozen=True)
class ClassPrompts:
    """Sentences for each class.

    Attributes:
        class_names: In label order.
        templates: Each holds `{}` once; the first is the single template.
        descriptions: Class name to sentences; classes may be missing.
        names: Class name to what stands for it in templates; classes that stand for themselves may be missing.
        negative_templates: Say that the class is absent; none where nobody has written any.
    """

    class_names: tuple[str, ...]
    templates: tuple[str, ...]
    descriptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    negative_templates: tuple[str, ...] = ()

    @property
    def spoken(self) -> tuple[str, ...]:
        """What stands for each class in templates, in label order; unlike class names they may repeat, or be empty."""
        return tuple(self.names.get(name, name) for name in self.class_names)

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
            named = zip(self.class_names, self.spoken, strict=True)
            return [list(self.descriptions.get(name) or (first.replace("{}", spoken),)) for name, spoken in named]
        templates = self.templates[:1] if kind == "single" else self.templates
        return [[template.replace("{}", name) for template in templates] for name in self.spoken]

    def negatives(self, kind: PromptKind) -> list[list[str]]:
        """The sentences that say that each class is absent; `single` uses the first template, the others all."""
        templates = self.negative_templates[:1] if kind == "single" else self.negative_templates
        return [[template.replace("{}", name) for template in templates] for name in self.spoken]

    def subset(self, classes: IntArray) -> "ClassPrompts":
        """The prompts of some classes, in that order."""
        return replace(self, class_names=tuple(self.class_names[c] for c in classes))


def class_prompts(
    card: DatasetCard, keys: Sequence[str], names: Sequence[str], described: Mapping[str, tuple[str, ...]]
) -> ClassPrompts:
    """Templates and descriptions by class name; a description may name a class by its raw label, too.

    Args:
        card: Its templates, and descriptions of its own.
        keys: Raw labels, in class order.
        names: Class names.
        described: Sentences by raw label or class name, from the card's descriptions file.

    Raises:
        CardError: The card describes what is no class.
    """
    stray = next((name for name in card.prompts.descriptions if name not in {*keys, *names}), None)
    if stray is not None and keys:
        raise CardError(
            f"card {card.name!r}: prompts.descriptions is for {stray!r}, which is no class.{closest(stray, names)}"
        )
    by_name = {}
    for key, name in zip(keys, names, strict=True):
        both = dict.fromkeys((name, key))
        sources = card.prompts.descriptions, described
        sentences = tuple(text for source in sources for n in both for text in source.get(n, ()))
        if sentences:
            by_name[name] = sentences
    spoken = card.prompts.names
    stray = next((name for name in spoken if name not in {*keys, *names}), None)
    if stray is not None and keys:
        raise CardError(f"card {card.name!r}: prompts.names has {stray!r}, which is no class.{closest(stray, names)}")
    named = {name: spoken.get(name, spoken.get(key)) for key, name in zip(keys, names, strict=True)}
    by_spoken = {name: text for name, text in named.items() if text is not None}
    templates, negatives = card.prompts.templates, card.prompts.negative_templates
    return ClassPrompts(tuple(names), templates, by_name, by_spoken, negatives)
