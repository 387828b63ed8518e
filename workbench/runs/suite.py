"""A suite: models x datasets x recipes x shots x seeds, in one TOML file."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from workbench.errors import CardError, UnknownNameError
from workbench.inputs import parse_toml, read_text
from workbench.registry import closest
from workbench.runs.transfer_entry import TransferEntry
from workbench.validation import explain

_PACKAGE = "benchmarks.suites"
_NUMBER = re.compile("[0-9]{1,9}")


def _shots(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def check_suite_name(name: str) -> str:
    """The name is that of an experiment in MLflow and of a folder of artifacts, and is typed in commands."""
    if len(name) > 200:
        raise ValueError(f"a name of at most 200 characters is expected; this one has {len(name):,}")
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"a name without control characters and without spaces at its ends is expected; got {name!r}")
    return name


Shots = Annotated[Annotated[int, Field(ge=0, le=10**9)] | Literal["all"], BeforeValidator(_shots)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""The range that numpy and torch take."""


class RecipeEntry(BaseModel):
    """One recipe of a suite.

    Attributes:
        recipe: Registered name.
        label: Its name in tables; distinguishes two entries of one recipe.
        config: The recipe's settings.
        shots: Replaces the suite's.
        seeds: Replaces the suite's.
        datasets: Those of the suite's datasets that it is run on, where it cannot do the tasks of all; of a transfer,
            both that are trained on and tested on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: str
    label: str | None = None
    config: dict[str, Any] = {}
    shots: tuple[Shots, ...] | None = None
    seeds: tuple[Seed, ...] | None = None
    datasets: tuple[str, ...] | None = Field(default=None, min_length=1)


class Suite(BaseModel):
    """Models, datasets and recipes to run.

    Attributes:
        name: The MLflow experiment.
        models: Model arguments.
        datasets: Dataset arguments: names, card files or folders; may be empty where there is a transfer.
        recipes: Recipes with their settings.
        shots: Training images per class; `all` is the whole training split, 0 no image, for recipes that can do so
            (`Recipe.zero_shots`).
        seeds: Seeds of the few-shot samples and of a recipe's draws.
        refit: Fit once more on train and validation with the settings that validation chose.
        baseline: Add a majority-class run for every dataset.
        figures: Store a confusion matrix and a reliability diagram with each run.
        limit_seconds: Time of one run for fitting, and again for predicting, before it is given up and recorded
            as failed; runs that are fitted together have it times their number. None sets no limit.
        language: The cards' language of names, templates, descriptions and captions; None takes each card's own.
        transfer: Recipes that are fitted on one dataset or domain and tested on another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1), AfterValidator(check_suite_name)]
    description: str = ""
    models: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[str, ...] = ()
    recipes: tuple[RecipeEntry, ...] = Field(min_length=1)
    shots: tuple[Shots, ...] = ("all",)
    seeds: tuple[Seed, ...] = (0,)
    refit: bool = False
    baseline: bool = True
    figures: bool = True
    limit_seconds: float | None = Field(default=None, gt=0, le=1e7, allow_inf_nan=False)
    language: str | None = None
    transfer: tuple[TransferEntry, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """All dataset arguments: those of transfers, too."""
        return tuple(dict.fromkeys([*self.datasets, *(name for entry in self.transfer for name in entry.arguments)]))

    @model_validator(mode="after")
    def _has_a_dataset(self) -> "Suite":
        if not self.arguments:
            raise ValueError("datasets: expected at least one dataset, or a [[transfer]]")
        return self

    @model_validator(mode="after")
    def _entries_name_datasets_of_the_suite(self) -> "Suite":
        for entry in self.recipes:
            for name in entry.datasets or ():
                if name not in self.arguments:
                    raise ValueError(f"recipe {entry.recipe!r}: the suite does not have its dataset {name!r}")
        return self

    @model_validator(mode="after")
    def _transfers_name_recipes_of_the_suite(self) -> "Suite":
        labels = [entry.label or entry.recipe for entry in self.recipes]
        for number, transfer in enumerate(self.transfer, 1):
            for name in transfer.recipes or ():
                if name not in labels:
                    raise ValueError(
                        f"transfer {number}: recipes names {name!r}, which is no recipe of the suite."
                        f"{closest(name, labels)} Its recipes are: {', '.join(labels)}"
                    )
        return self

    @model_validator(mode="after")
    def _transfers_differ(self) -> "Suite":
        seen: dict[tuple[str | None, str, str], int] = {}
        for number, transfer in enumerate(self.transfer, 1):
            for target in transfer.targets or (transfer.dataset or "",):
                first = seen.setdefault((transfer.source, target, transfer.classes), number)
                if first != number:
                    pair = f"from {transfer.source!r} to {target!r}" if transfer.source else f"of {target!r}"
                    raise ValueError(f"transfers {first} and {number} are both {pair}; write them as one")
        return self


def suite_names() -> list[str]:
    """Suites that ship with the workbench."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load_suite(argument: str) -> Suite:
    """A suite by name or file.

    Raises:
        WorkbenchError: No such suite, or a file that cannot be used; names the file and the key.
    """
    path = Path(argument)
    if path.suffix != ".toml":
        path = _folder() / f"{argument}.toml"
        if not path.is_file():
            known = suite_names()
            hint = closest(argument, known) or f" There are: {', '.join(known)}."
            raise UnknownNameError(f"No suite is called {argument!r}.{hint} A suite file (.toml) works too.")
    try:
        return Suite.model_validate(parse_toml(read_text(path, CardError), str(path), CardError))
    except ValidationError as error:
        raise CardError(f"{path}: {explain(error, Suite)}") from error


def _folder() -> Path:
    spec = find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else Path()
