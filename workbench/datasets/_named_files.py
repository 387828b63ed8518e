"""Files that a card names beside its images: of classes, groups, splits, classes by region, boxes of a detector."""

from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SplitName
from workbench.datasets.detection_table import DetectionTable
from workbench.datasets.group_table import read_group_table
from workbench.datasets.named_tables import NamedTables
from workbench.datasets.sources import Locator, Source
from workbench.datasets.sources._rows import read_rows
from workbench.datasets.split_table import read_split_table
from workbench.errors import DataError
from workbench.settings import Settings


def read_tables(card: DatasetCard, source: Source, base: Path | None, settings: Settings) -> NamedTables:
    """The card's tables of groups, of splits and of a detector's boxes, as far as it names any."""
    groups, file = card.splits.groups, card.splits.file

    def place(name: str) -> Path:
        return _beside(name, card, source, base, settings)

    splits = None
    if file is not None:
        files: list[tuple[SplitName | None, str]] = [(None, file)] if isinstance(file, str) else [*file.items()]
        names = ", ".join(dict.fromkeys(name for _, name in files))
        splits = read_split_table({role: place(name) for role, name in files}, names)
    detections = None
    if card.detections is not None:
        name, least_score = card.detections
        detections = DetectionTable(name, place(name), least_score)
    return NamedTables(None if groups is None else read_group_table(place(groups), groups), splits, detections)


def read_descriptions(
    card: DatasetCard, source: Source, base: Path | None, settings: Settings
) -> dict[str, tuple[str, ...]]:
    """Sentences by raw label or class name."""
    name = card.prompts.descriptions_file
    if name is None:
        return {}
    path = _beside(name, card, source, base, settings)
    sentences: dict[str, tuple[str, ...]] = {}
    for number, row in read_rows(path):
        if not {"label", "text"} <= row.keys():
            raise DataError(f"{path}: descriptions need the columns label and text; there are: {', '.join(row)}.")
        if not row["label"] or not row["text"]:
            raise DataError(f"{path}, line {number}: label and text must not be empty.")
        sentences[row["label"]] = (*sentences.get(row["label"], ()), row["text"])
    return sentences


def with_checklists(card: DatasetCard, source: Source, base: Path | None, settings: Settings) -> DatasetCard:
    """The card with the lists of its `checklists_file` in its own; as it is where it names none."""
    name: str | None = getattr(card, "checklists_file", None)
    if name is None:
        return card
    path = _beside(name, card, source, base, settings)
    lists: dict[str, list[str]] = {region: list(names) for region, names in getattr(card, "checklists", {}).items()}
    for number, row in read_rows(path):
        if not {"region", "label"} <= row.keys():
            raise DataError(f"{path}: lists need the columns region and label; there are: {', '.join(row)}.")
        if not row["region"] or not row["label"]:
            raise DataError(f"{path}, line {number}: region and label must not be empty.")
        lists.setdefault(row["region"], []).append(row["label"])
    known = {region: tuple(dict.fromkeys(names)) for region, names in lists.items()}
    return card.model_copy(update={"checklists": known, "checklists_file": None})


def _beside(name: str, card: DatasetCard, source: Source, base: Path | None, settings: Settings) -> Path:
    """A file in the data's folder, else where the card's data is looked for."""
    inside = Path(source.root) / name
    return inside if inside.is_file() else Locator(card.name, base, settings.data, settings.cache).find(name)
