"""From a dataset argument (a registered name, a card file, a folder) to an open dataset."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from workbench.datasets.card import Columns, DatasetCard, FolderSource, read_card
from workbench.datasets.catalogue import card_folder, cards
from workbench.datasets.dataset import Dataset
from workbench.datasets.manifest import Manifest, build_manifest, read_manifest, write_manifest
from workbench.datasets.sources import Record, Source, open_source
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.folder import metadata_files
from workbench.datasets.sources.table import read_rows
from workbench.datasets.splits import assign_missing_splits
from workbench.errors import DataError, UnknownNameError
from workbench.settings import Settings


def resolve_card(argument: str) -> tuple[DatasetCard, Path | None]:
    """The card behind a dataset argument, and the folder its relative paths start from.

    Raises:
        WorkbenchError: No such name, file or folder, or a card that cannot be used.
    """
    path = Path(argument).expanduser()
    if path.is_dir():
        return card_for_folder(path), path.resolve().parent
    if path.suffix == ".toml":
        return read_card(path), path.resolve().parent
    try:
        return cards.get(argument), card_folder(argument)
    except UnknownNameError as error:
        if "/" in argument or "\\" in argument:
            raise DataError(f"dataset {argument!r}: no such folder or card file.") from error
        raise UnknownNameError(f"{error} A folder of images or a card file (.toml) works too.") from error


def open_dataset(argument: str, settings: Settings, progress: Callable[[int, int], None] | None = None) -> Dataset:
    """Open a dataset; its manifest comes from the cache when the source has not changed.

    Args:
        argument: A registered name, a card file, or a folder.
        settings: Gives the cache and the data folder.
        progress: Called with (done, total) while new contents are hashed.
    """
    card, base = resolve_card(argument)
    source = open_source(card, base, settings)
    descriptions = _descriptions(card, base, settings)
    return Dataset(card, _manifest(card, source, settings, progress), source, descriptions)


def _manifest(
    card: DatasetCard, source: Source, settings: Settings, progress: Callable[[int, int], None] | None
) -> Manifest:
    from filelock import FileLock

    # What the records depend on: where they come from and how columns and splits are read.
    identity = card.model_dump_json(include={"source", "columns", "splits", "multi_label", "label_separator"})
    place = str(getattr(source, "root", ""))
    key = hashlib.sha256(f"{place}\0{identity}".encode()).hexdigest()[:24]
    path = settings.cache / "manifests" / f"{card.name}-{key}.parquet"
    old = read_manifest(path)
    if old is not None and source.state([record.location.file for record in old.records]) == old.state:
        return old
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        old = read_manifest(path)  # Another process may have made it meanwhile.
        if old is not None and source.state([record.location.file for record in old.records]) == old.state:
            return old

        def assign(records: list[Record]) -> tuple[list[Record], list[str]]:
            return assign_missing_splits(records, card.splits, card.name)

        manifest = build_manifest(source, old, assign, progress)
        write_manifest(manifest, path)
    return manifest


def _descriptions(card: DatasetCard, base: Path | None, settings: Settings) -> dict[str, tuple[str, ...]]:
    name = card.prompts.descriptions_file
    if name is None:
        return {}
    root = getattr(card.source, "path", None)
    inside = f"{root}/{name}" if isinstance(card.source, FolderSource) else None
    locate = Locator(card.name, base, settings.data)
    try:
        path = locate.find(inside or name)
    except DataError:
        path = locate.find(name)
    found: dict[str, tuple[str, ...]] = {}
    for number, row in read_rows(path):
        if not {"label", "text"} <= row.keys():
            raise DataError(
                f"{path}, line {number}: descriptions need the columns label and text, got {', '.join(row)}."
            )
        found[row["label"]] = (*found.get(row["label"], ()), row["text"])
    return found


def card_for_folder(path: Path) -> DatasetCard:
    """A sensible card for a folder that has none: columns by what its metadata file has, names from its labels."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.resolve().name.lower()).strip("-._") or "folder"
    columns = Columns(label="label")
    tables = metadata_files(path)
    if tables:
        _, row = next(read_rows(tables[0]), (0, {}))
        if "file_name" not in row:
            raise DataError(f"{tables[0]}: no column 'file_name' with the image's path; columns: {', '.join(row)}.")
        has = {key: key for key in ("label", "caption", "group", "split") if key in row}
        columns = Columns(**has)
    task = "classification" if columns.label else "retrieval"
    if columns.label is None and columns.caption is None:
        raise DataError(f"{tables[0]}: needs a column 'label' or 'caption' beside 'file_name'.")
    return DatasetCard(
        name=name,
        title=path.resolve().name,
        task="classification" if task == "classification" else "retrieval",
        source=FolderSource(type="folder", path=str(path.resolve())),
        columns=columns,
        primary_metric="accuracy" if columns.label else "text_to_image_recall_at_1",
    )
