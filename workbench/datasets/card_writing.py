"""A card as TOML, for users to edit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard

_COMMENTS = {
    "name": "Registered name: lower case, digits, dashes.",
    "field": "medical, botany, robotics, or another.",
    "primary_metric": "The metric that ranks runs.",
    "protocol": "Which published protocol the numbers are comparable to, or that they are not.",
    "source": "Where the images are; relative paths start at this file, then at WORKBENCH_DATA.",
    "columns": "Names of the source's columns.",
    "splits": "What the source calls its splits; a missing one is made from train.",
    "pixels": "How images of more than 8 bits become grey.",
    "labels": "What uncertain and missing findings count as; classes that are joined or left out.",
    "corruptions": "What test images are corrupted by; each is a domain.",
    "dicom": "What is kept of the tags of DICOM files.",
    "privacy": "What runs record.",
    "classes": "Raw label = class name, in class order.",
    "prompts": "Sentences with {} in the class name's place; the first is the single template.",
}


def without_absolute_paths(card: DatasetCard, pseudonym: Callable[[str], str] | None = None) -> DatasetCard:
    """The card as it is recorded: of an absolute path only the last name is left.

    Args:
        card: The card.
        pseudonym: Gives what takes the place of paths, relative ones, too, and of target domains that are groups, or
            parts of the names of images.
    """

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cut(item) for key, item in value.items()}
        if isinstance(value, str) and pseudonym is not None:
            return pseudonym(value)
        return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

    paths = {key: cut(getattr(card.source, key)) for key in ("path", "root", "refs") if hasattr(card.source, key)}
    splits = card.splits.model_copy(update={"groups": cut(card.splits.groups), "file": cut(card.splits.file)})
    is_group = card.columns.domain is not None and card.columns.domain == card.columns.group
    if pseudonym is not None and (is_group or card.splits.domain_pattern is not None):
        splits = splits.model_copy(update={"target": tuple(map(pseudonym, card.splits.target))})
    prompts = card.prompts.model_copy(update={"descriptions_file": cut(card.prompts.descriptions_file)})
    changed: dict[str, Any] = {"source": card.source.model_copy(update=paths), "splits": splits, "prompts": prompts}
    regions: Any = getattr(card, "regions", None)
    if card.detections is not None:
        changed["regions"] = regions.model_copy(update={"detections": cut(card.detections[0])})
    return card.model_copy(update=changed)


def card_to_toml(card: DatasetCard) -> str:
    """The card as commented TOML; `parse_card` reads it back to an equal card."""
    import tomlkit

    values: dict[str, Any] = card.model_dump(mode="json", exclude_none=True)
    _leave_out_what_is_not_said(card, values)
    document = tomlkit.document()
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    for key, value in values.items():
        if key not in tables:
            item = tomlkit.item(value)
            if key in _COMMENTS:
                item.comment(_COMMENTS[key])
            document.add(key, item)
    for key, value in tables.items():
        table = tomlkit.item(value)
        document.add(tomlkit.nl())
        if key in _COMMENTS:
            document.add(tomlkit.comment(_COMMENTS[key]))
        document.add(key, table)
    return tomlkit.dumps(document)


def _leave_out_what_is_not_said(card: DatasetCard, values: dict[str, Any]) -> None:
    """Take out of a card's values what would say something else, or what few cards say."""
    if "image" not in card.columns.model_fields_set:
        # If it is left out, a table's `file_name` serves as well.
        values["columns"].pop("image")
    if not card.columns.labels:
        values["columns"].pop("labels")
    if card.prompts.source is not None and "templates" not in card.prompts.model_fields_set:
        values["prompts"].pop("templates")  # Or the default would stand for those of the repository.
    for key in ("names", "negative_templates"):
        if not getattr(card.prompts, key):
            values["prompts"].pop(key)
    for key in ("pixels", "dicom", "labels", "privacy", "corruptions"):
        if getattr(card, key) == type(card).model_fields[key].default:
            values.pop(key)  # Few have anything to say there.
    for key in ("metrics", "ranks", "checklists"):
        if not values.get(key):
            values.pop(key, None)
    if not card.columns.ranks:
        values["columns"].pop("ranks")
