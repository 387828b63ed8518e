"""A card's table `[corruptions]`: test images are tested corrupted, too, each corruption being a domain."""

from typing import Literal

from pydantic import Field, field_validator

from workbench.datasets.card_sources import Section
from workbench.datasets.corruptions.names import FAMILIES, NAMES
from workbench.registry import closest

CLEAN = "clean"
"""The domain of images as they are."""


class Corruptions(Section):
    """Corruptions of test images, see `workbench.datasets.corruptions`; training and validation images have none.

    Attributes:
        kinds: Names of corruptions or of their families (`noise`, `blur`, ...), or `all`.
        severities: 1 to 5.
        clean: Whether the images as they are stay in test, as the domain `clean`.
        seed: Seeds what is random in them.
    """

    kinds: tuple[str, ...] = ()
    severities: tuple[Literal[1, 2, 3, 4, 5], ...] = Field(default=(3,), min_length=1)
    clean: bool = True
    seed: int = Field(default=0, ge=0)

    @field_validator("kinds", mode="before")
    @classmethod
    def _known(cls, kinds: object) -> object:
        names = [kinds] if isinstance(kinds, str) else kinds
        if not isinstance(names, list | tuple):
            return kinds
        known = ("all", *FAMILIES, *NAMES)
        stray = next((name for name in names if name not in known), None)
        if stray is not None:
            raise ValueError(f"{stray!r} is no corruption.{closest(str(stray), known)} There are: {', '.join(known)}")
        return tuple(names)

    @property
    def named(self) -> tuple[str, ...]:
        """The names of the corruptions, each once, in the order of `NAMES`."""
        return tuple(
            name for name, family in NAMES.items() if "all" in self.kinds or {name, family} & set(self.kinds)
        )  # fmt: skip

    @property
    def domains(self) -> tuple[tuple[str, int], ...]:
        """Name and severity of each domain of corrupted images."""
        severities = sorted(set(self.severities))
        return tuple((name, severity) for name in self.named for severity in severities)


def domain_name(name: str, severity: int) -> str:
    """The domain of images with a corruption."""
    return f"{name}-{severity}"
