"""`[[transfer]]` of a suite: recipes fitted on one dataset or domain and tested on others."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TransferEntry(BaseModel):
    """One `[[transfer]]`.

    Either `source` and `targets`: recipes are fitted on the source and tested on each target. Or `dataset` and
    `domains`: they are fitted on all domains of the dataset but one, and tested on that one, for each in turn.

    Attributes:
        source: Dataset argument.
        targets: Dataset arguments.
        classes: `same`: each class of one dataset is one of the other, or it is an error. `shared`: those that only one
            has are left out, on both sides. `text`: recipes are fitted on the source's classes, and score the target's
            by their text.
        mapping: Classes of the source, by name or raw label, with the target's class that each is, where their names
            differ.
        dataset: Dataset argument of one with domains.
        domains: Which domains are left out of training.
        recipes: Labels of the suite's recipes that are run, or their names where they have none; None takes all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str | None = None
    targets: tuple[str, ...] = ()
    classes: Literal["same", "shared", "text"] = "same"
    mapping: dict[str, str] = Field(default_factory=dict)
    dataset: str | None = None
    domains: Literal["leave-one-out"] | None = None
    recipes: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "TransferEntry":
        across = self.source is not None or bool(self.targets)
        within = self.dataset is not None or self.domains is not None
        if across == within:
            raise ValueError("expected source and targets, or dataset and domains = 'leave-one-out'")
        if across and (self.source is None or not self.targets):
            raise ValueError(f"{'source' if self.source is None else 'targets'} is missing")
        if within and (self.dataset is None or self.domains is None):
            raise ValueError(f"{'dataset' if self.dataset is None else 'domains'} is missing")
        if within and (self.mapping or self.classes != "same"):
            raise ValueError(
                "classes and mapping are for a source and targets; domains of one dataset share its classes"
            )
        if self.source in self.targets:
            raise ValueError(f"targets has the source, {self.source!r}, which is tested on its own images anyway")
        if len(set(self.targets)) < len(self.targets):
            raise ValueError("targets names a dataset twice")
        if self.mapping and self.classes == "text":
            raise ValueError("mapping is for classes = 'same' or 'shared'; with 'text' no class has to be the other's")
        return self

    @property
    def arguments(self) -> tuple[str, ...]:
        """The datasets that it names."""
        return tuple(name for name in (self.source, self.dataset, *self.targets) if name is not None)
