"""Class names as sentences: templates and descriptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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

    def single(self) -> list[list[str]]:
        """One sentence a class, from the first template."""
        return [[self.templates[0].format(name)] for name in self.class_names]

    def ensemble(self) -> list[list[str]]:
        """Every template, for each class."""
        return [[template.format(name) for template in self.templates] for name in self.class_names]

    def described(self) -> list[list[str]]:
        """The descriptions of each class; the first template where a class has none."""
        return [list(self.descriptions.get(name) or (self.templates[0].format(name),)) for name in self.class_names]
