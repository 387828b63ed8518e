"""Published numbers as files list them: what was measured, under which protocol, and where that is written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from workbench.errors import CardError, UnknownMetricError
from workbench.inputs import parse_toml, read_text
from workbench.metrics.registry import metric_named
from workbench.runs.suite import Seed, Shots
from workbench.validation import explain


class Protocol(BaseModel):
    """How a number was measured.

    Attributes:
        split: The test images, in words.
        templates: The prompts, in words.
        metric: What the publication calls the metric, where that differs from the workbench's name.
        test_images: Their number; a dataset with another number is of another split, and is not compared.
        classes: Number of classes; likewise.
        note: What else a reader must know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: str
    templates: str = ""
    metric: str = ""
    test_images: int | None = Field(default=None, gt=0)
    classes: int | None = Field(default=None, gt=0)
    note: str = ""


@dataclass(frozen=True)
class Expected:
    """A published number.

    Attributes:
        model: Model argument.
        dataset: Dataset argument.
        recipe: Name of a recipe.
        config: The recipe's settings.
        shots: Training images per class, or `all`.
        seeds: Ours is the mean over their runs.
        refit: See `Suite.refit`.
        metric: Name as in a run record.
        value: In the metric's own unit; shares are 0..1.
        tolerance: Largest difference that passes, in the same unit.
        protocol: How it was measured.
        source: Where it is written.
        checked: How the number was compared with the source.
        file: The file that lists it.
    """

    model: str
    dataset: str
    recipe: str
    shots: int | str
    seeds: tuple[int, ...]
    metric: str
    value: float
    tolerance: float
    protocol: Protocol
    source: str
    checked: str
    file: str
    config: dict[str, Any] = field(default_factory=dict)
    refit: bool = False

    @property
    def name(self) -> str:
        """The number in words."""
        shots = "" if self.shots == "all" else f", {self.shots} shots"
        return f"{self.metric} of {self.recipe} on {self.dataset} with {self.model}{shots}"


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
ByShots = Annotated[dict[Shots, Number], Field(min_length=1)]


class _Table(BaseModel):
    """A table `[[expected]]`: numbers of several models, and of several shots, under one protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    recipe: str = "zero-shot"
    config: dict[str, Any] = {}
    shots: Shots = "all"
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    refit: bool = False
    metric: str = "accuracy"
    tolerance: float = Field(ge=0, allow_inf_nan=False)
    protocol: Protocol
    source: str | None = None
    checked: str | None = None
    values: dict[str, Number | ByShots] = Field(min_length=1)

    @field_validator("metric")
    @classmethod
    def _metric_is_known(cls, name: str) -> str:
        try:
            metric_named(name)
        except UnknownMetricError as error:
            raise ValueError(str(error).rstrip(".")) from error
        return name

    @model_validator(mode="after")
    def _values_are_of_the_metric(self) -> "_Table":
        low, high = metric_named(self.metric).bounds
        for model, value in self.values.items():
            for number in value.values() if isinstance(value, dict) else [value]:
                if not low <= number <= high:
                    raise ValueError(
                        f"values of {model!r}: {self.metric} goes from {low:g} to {high:g}, got {number:g}; shares are "
                        "written 0..1"
                    )
        return self


class _File(BaseModel):
    """A file of published numbers; `source` and `checked` hold for tables that say nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    source: str = ""
    checked: str = ""
    expected: tuple[_Table, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_has_a_source(self) -> "_File":
        for number, table in enumerate(self.expected, 1):
            if not (self.source if table.source is None else table.source).strip():
                raise ValueError(f"expected table {number} ({table.dataset}) has no source: name where it is written")
        return self


def read_expected(path: Path) -> tuple[Expected, ...]:
    """The numbers of a file.

    Args:
        path: TOML. Relative paths of its datasets start from its folder.

    Raises:
        CardError: It cannot be read, or a value is wrong; names the file and the key.
    """
    values = parse_toml(read_text(path, CardError), str(path), CardError)
    try:
        file = _File.model_validate(values)
    except ValidationError as error:
        raise CardError(f"{path}: {explain(error, _File)}") from error
    return tuple(
        Expected(
            model=model,
            dataset=_dataset(table.dataset, path.parent),
            recipe=table.recipe,
            config=table.config,
            shots=shots,
            seeds=table.seeds,
            refit=table.refit,
            metric=table.metric,
            value=number,
            tolerance=table.tolerance,
            protocol=table.protocol,
            source=file.source if table.source is None else table.source,
            checked=file.checked if table.checked is None else table.checked,
            file=str(path),
        )
        for table in file.expected
        for model, value in table.values.items()
        for shots, number in (value.items() if isinstance(value, dict) else [(table.shots, value)])
    )


def _dataset(argument: str, folder: Path) -> str:
    """A name as it is; a card or folder that lies beside the file by its path."""
    beside = folder / argument
    return str(beside.resolve()) if argument.endswith(".toml") or "/" in argument else argument
