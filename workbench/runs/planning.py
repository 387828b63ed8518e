"""Expand a suite into the runs it asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from workbench.errors import RecipeError
from workbench.recipes import Recipe, RecipeConfig
from workbench.runs.broken import usable
from workbench.runs.suite import RecipeEntry, Suite
from workbench.texts import shown
from workbench.tracking.labels import settings_apart, with_settings
from workbench.validation import explain

NO_MODEL = "none"
"""Stands for the model of recipes that read nothing."""

_BASELINE = RecipeEntry(recipe="majority-class", shots=("all",))


@dataclass(frozen=True)
class Cell:
    """One run to be.

    Attributes:
        model: Model argument, or `none`.
        dataset: Dataset argument.
        recipe: Registered name.
        label: What tables call it.
        factory: The recipe's class.
        config: Its validated settings.
        shots: Images per class; None means all, 0 that no training image is used.
        seed: Seed.
        shown: The label with the settings that tell it from others of the plan.
    """

    model: str
    dataset: str
    recipe: str
    label: str
    factory: type[Recipe[Any]]
    config: RecipeConfig
    shots: int | None
    seed: int
    shown: str = field(default="", compare=False)

    @property
    def shots_text(self) -> str:
        """`all` or the number, as it is recorded."""
        return "all" if self.shots is None else str(self.shots)

    def __str__(self) -> str:
        return (
            f"{self.dataset} / {self.shown or self.label} / {self.model} / shots {self.shots_text} / seed {self.seed}"
        )


def plan(suite: Suite) -> list[Cell]:
    """The runs of a suite, those of one dataset and model together, each once.

    Raises:
        WorkbenchError: A recipe is unknown, broken, or its settings are wrong.
    """
    entries = list(suite.recipes)
    if suite.baseline and all(entry.recipe != _BASELINE.recipe for entry in entries):
        entries.insert(0, _BASELINE)
    resolved = [(entry, *_resolve(entry)) for entry in entries]
    cells: dict[str, Cell] = {}
    for dataset in suite.datasets:
        for model in suite.models:
            for entry, factory, config in resolved:
                if entry.datasets is not None and dataset not in entry.datasets:
                    continue
                for shots, seed in _samples(suite, entry, factory):
                    name = NO_MODEL if factory.reads == "nothing" else model
                    label = entry.label or entry.recipe
                    cell = Cell(name, dataset, entry.recipe, label, factory, config, shots, seed)
                    cells.setdefault(f"{cell} / {entry.recipe} / {config.model_dump_json()}", cell)
    found = list(cells.values())
    settings = settings_apart([(cell.label, cell.recipe, cell.config.model_dump(mode="json")) for cell in found])
    return [replace(cell, shown=with_settings(cell.label, own)) for cell, own in zip(found, settings, strict=True)]


def _samples(suite: Suite, entry: RecipeEntry, factory: type[Recipe[Any]]) -> Sequence[tuple[int | None, int]]:
    """Shots and seeds that make a difference to this recipe."""
    seeds = entry.seeds or suite.seeds
    if not factory.trains:
        return [(0, seeds[0])]
    found: list[tuple[int | None, int]] = []
    for shots in entry.shots or suite.shots:
        own = seeds if shots != "all" or factory.stochastic else seeds[:1]
        found += [(None if shots == "all" else int(shots), seed) for seed in own]
    return found


def _resolve(entry: RecipeEntry) -> tuple[type[Recipe[Any]], RecipeConfig]:
    factory = usable(entry.recipe)
    try:
        return factory, factory.Config.model_validate(entry.config)
    except ValidationError as error:
        raise RecipeError(f"recipe {entry.recipe!r}: {explain(error, factory.Config)}") from error
    except Exception as error:  # Its own checks may do anything.
        raise RecipeError(
            f"recipe {entry.recipe!r}: its settings cannot be checked ({type(error).__name__}: {shown(str(error))})."
        ) from error
