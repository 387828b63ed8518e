"""Models of the fields, as packages list them: what they are, what they were trained on, whether they are gated."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.datasets.card_files import card_file, load_point
from workbench.errors import ModelError, WorkbenchError
from workbench.inputs import parse_toml, read_text
from workbench.registry import Registry
from workbench.validation import explain


class FieldModel(BaseModel):
    """A model of a field; what nobody has checked is None, or empty.

    Attributes:
        argument: Model argument.
        revision: Commit of the repository that the rest is said of.
        licence: As its authors name it.
        gated: Whether its terms must be accepted before it can be downloaded.
        resolution: Side of its input in pixels.
        text_tower: What reads texts; `none` for image towers.
        trained_on: In words.
        seen: Datasets of the workbench whose images or classes were in its training.
        seen_note: What of them, in words.
        prompts: Sentences that its authors use, with `{}` for the class name.
        source: Where this was checked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    argument: str
    revision: str | None = None
    licence: str | None = None
    gated: bool | None = None
    resolution: int | None = None
    text_tower: str | None = None
    trained_on: str
    seen: tuple[str, ...] = ()
    seen_note: str | None = None
    prompts: tuple[str, ...] = ()
    source: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: tuple[FieldModel, ...]


def read_models(path: Path) -> tuple[FieldModel, ...]:
    """A list of models; raises `ModelError` where it is damaged."""
    try:
        return _File.model_validate(parse_toml(read_text(path, ModelError), str(path), ModelError)).model
    except ValidationError as error:
        raise ModelError(f"{path}: {explain(error, _File)}") from error


def _to_models(loaded: Any, point: EntryPoint) -> tuple[FieldModel, ...]:
    """An entry's value is the package that holds `FIELD.toml`."""
    if not isinstance(loaded, list) or not loaded or not card_file(loaded, point.name).is_file():
        raise ModelError(
            f"field {point.name!r}: entry point {point.value!r} must name the package that holds {point.name}.toml."
        )
    return read_models(card_file(loaded, point.name))


fields: Registry[tuple[FieldModel, ...]] = Registry("workbench.field_models", "field", _to_models, load=load_point)
"""Models by field."""


def seen_in_training(argument: str, datasets: Iterable[str]) -> str | None:
    """A sentence on those of some datasets that were in a model's training; None where no list says so.

    Args:
        argument: Model argument; a revision of a listed repository counts as the repository.
        datasets: Names of datasets.
    """
    repository = argument.partition("@")[0]
    for listing in fields.listing():
        try:
            listed = fields.get(listing.name)
        except WorkbenchError:  # `workbench list models` says what is wrong with it.
            continue
        for model in listed:
            seen = [name for name in datasets if name in model.seen]
            if model.argument.partition("@")[0] == repository and seen:
                note = f" ({model.seen_note})" if model.seen_note else ""
                return (
                    f"{argument} has seen {', '.join(seen)} in its training{note}: its numbers there say less than "
                    "those of a model that has not."
                )
    return None
