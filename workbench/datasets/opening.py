"""Open the dataset of an argument: a registered name, a card file or a folder."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.datasets._medical_records import with_patients_named
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_dicom import DicomTags
from workbench.datasets.card_labels import LabelTable
from workbench.datasets.card_reading import read_card
from workbench.datasets.catalogue import cards
from workbench.datasets.dataset import Dataset
from workbench.datasets.dataset_depths import cache_written, with_depths
from workbench.datasets.decoding import decodes_itself
from workbench.datasets.folder_card import card_for_folder
from workbench.datasets.formats import Header
from workbench.datasets.headers import read_header
from workbench.datasets.languages import card_languages, in_language
from workbench.datasets.manifest import Manifest, Progress, build_manifest, read_manifest, write_manifest
from workbench.datasets.sources import Locator, Source, open_source
from workbench.datasets.sources._rows import read_rows
from workbench.datasets.unlabelled_card import unlabelled_card
from workbench.datasets.unreadable import MissingExtraError
from workbench.datasets.walking import list_folder
from workbench.errors import DataError, UnknownNameError
from workbench.locks import locked
from workbench.settings import Settings
from workbench.texts import shown


def resolve_card(argument: str) -> tuple[DatasetCard, Path | None]:
    """The card behind a dataset argument, and the folder its relative paths start from.

    A registered name wins over a folder of that name in the current one; `./NAME` means the folder.

    Raises:
        WorkbenchError: No such name, file or folder, or a card that cannot be used.
    """
    if argument in cards.names():
        registered = cards.get(argument)
        return registered.card, registered.folder
    path = _path(argument)
    if path.is_dir():
        return card_for_folder(path), path.resolve().parent
    if path.suffix == ".toml":
        return read_card(path), path.resolve().parent
    if path.exists():
        raise DataError(f"dataset {argument!r}: expected a registered name, a folder, or a card file ending in .toml.")
    if os.sep in argument or argument.startswith((".", "~")):
        raise DataError(f"dataset {argument!r}: no such folder or card file.")
    try:
        registered = cards.get(argument)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error} A folder of images or a card file (.toml) works, too.") from error
    return registered.card, registered.folder


def _path(argument: str) -> Path:
    """The path that a dataset argument may be."""
    argument_shown = shown(repr(argument), 80)
    if not argument.strip():
        raise DataError(f"dataset {argument_shown}: give a registered name, a folder, or a card file ending in .toml.")
    try:
        argument.encode()  # It is recorded with every run.
        path = Path(argument).expanduser()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except RuntimeError as error:
        raise DataError(f"dataset {argument_shown}: there is no such user ({error}).") from error
    except ValueError as error:
        raise DataError(f"dataset {argument_shown}: no name and no path can hold that ({error}).") from error
    except OSError as error:
        raise DataError(f"dataset {argument_shown}: cannot be looked at ({error.strerror}).") from error
    return path


def place_of(argument: str) -> str:
    """The place of a dataset argument's card: the absolute path of its file or folder, or the distribution that has it.

    It distinguishes two datasets of one name.

    Raises:
        UnknownNameError: No such name, file or folder.
    """
    path = _path(argument)
    if argument not in cards.names() and path.exists():
        return str(path.resolve())
    return cards.distribution(argument).name


def open_dataset(
    argument: str, settings: Settings, progress: Progress | None = None, *, language: str | None = None
) -> Dataset:
    """Open a dataset; its manifest comes from the cache when the source has not changed.

    Args:
        argument: A registered name, a card file, or a folder.
        settings: Gives the cache and the data folder.
        progress: Called with (done, total) while new contents are hashed.
        language: One of the card's languages; None takes the card's own.

    Raises:
        WorkbenchError: The dataset does not exist, its data is missing, or contradicts its card.
    """
    card, base = resolve_card(argument)
    return open_card(card if language is None else in_language(card, language), base, settings, progress)


def open_pictures(
    argument: str, settings: Settings, progress: Progress | None = None, *, language: str | None = None
) -> Dataset:
    """Open a dataset, or any folder of images: where it cannot be a dataset, its pictures have no labels.

    Args:
        argument: A registered name, a card file, or a folder.
        settings: Gives the cache and the data folder.
        progress: Called with (done, total) while new contents are hashed.
        language: A language to take names and texts in, where the card has it.

    Raises:
        WorkbenchError: There is no such dataset, or no image.
    """
    try:
        card, base = resolve_card(argument)
        has_language = language is not None and language in card_languages(card)
        return open_card(in_language(card, language) if language and has_language else card, base, settings, progress)
    except DataError as error:
        path = _path(argument)
        if argument in cards.names() or not path.is_dir() or not list_folder(path).images:
            raise
        note = f"Its pictures are read without labels, since it is no dataset: {error}"
        return open_card(unlabelled_card(path), path.resolve().parent, settings, progress, notes=[note])


def open_card(
    card: DatasetCard,
    base: Path | None,
    settings: Settings,
    progress: Progress | None = None,
    *,
    notes: Sequence[str] = (),
) -> Dataset:
    """Open the dataset that a card describes; see `open_dataset`.

    Args:
        card: The card.
        base: Folder that its relative paths start from, or None.
        settings: Gives the cache and the data folder.
        progress: Called with (done, total) while new contents are hashed.
        notes: Sentences for readers of results, before the dataset's own.
    """
    source = open_source(card, base, settings)
    descriptions = _descriptions(card, source, base, settings)
    seen: dict[bytes, Header] = {}
    manifest = open_manifest(card, source, settings, progress, None if decodes_itself(source) else seen)
    manifest = replace(manifest, records=with_patients_named(manifest.records, card.name))
    card, depths = with_depths(card, source, manifest, seen, _manifest_path(card, source, settings.cache), progress)
    return Dataset(card, manifest, source, descriptions, depths, notes)


def open_manifest(
    card: DatasetCard,
    source: Source,
    settings: Settings,
    progress: Progress | None = None,
    seen: dict[bytes, Header] | None = None,
) -> Manifest:
    """The manifest of a source from the cache; made, or brought up to date, where the source has changed.

    Several processes may ask at once: one makes it, the others wait. A damaged manifest is made anew.

    Args:
        card: The card.
        source: Its source; set to the revision that the manifest was made from.
        settings: Gives the cache.
        progress: Called with (done, total) while new contents are hashed.
        seen: Is filled with the headers of the contents that are read, by their hash.

    Raises:
        DataError: The data contradicts the card, or the cache cannot be written.
    """
    path = _manifest_path(card, source, settings.cache)
    manifest = _current(path, source) or _make_manifest(path, card, source, progress, seen)
    source.revision = manifest.revision
    return manifest


def _manifest_path(card: DatasetCard, source: Source, cache: Path) -> Path:
    """A folder for each place that data lies in; in it, a file for each way of reading it."""
    way = [
        card.model_dump_json(
            include={"task", "source", "columns", "splits", "multi_label", "label_separator"},
            # What few cards have is no part of how others are kept.
            exclude={
                "columns": set() if card.columns.labels else {"labels"},
                "splits": set() if card.splits.group_pattern else {"group_pattern"},
            },
        ),
        # What a card leaves open is read by its usual name; class codes are named where the card's classes allow.
        *(sorted(part) for part in (card.columns.model_fields_set, card.splits.model_fields_set, card.classes)),
    ]
    if card.columns.together is not None:
        way.append("whole pairs")  # Before, splits divided them, and a group's column was not read as the pair's.
    if (card.pixels.slices, card.pixels.axis, card.dicom) != ("middle", "axial", DicomTags()):
        way.append(f"slices {card.pixels.slices} {card.pixels.axis}, ids {card.dicom.ids}")
    if card.labels != LabelTable():
        way.append(card.labels.model_dump_json())
    keys = (hashlib.sha256(repr(part).encode()).hexdigest()[:24] for part in (str(source.root), way))
    return cache.joinpath("manifests", *keys).with_suffix(".manifest")


def _current(path: Path, source: Source) -> Manifest | None:
    manifest = read_manifest(path)
    if manifest is None or manifest.has_unread_files:
        return None
    return manifest if source.state([record.location.file for record in manifest.records]) == manifest.state else None


def _make_manifest(
    path: Path, card: DatasetCard, source: Source, progress: Progress | None, seen: dict[bytes, Header] | None
) -> Manifest:
    def look(name: str, content: bytes, data: bytes) -> None:
        if seen is None:
            return
        try:
            seen[content] = read_header(data)
        except MissingExtraError as error:
            raise DataError(f"dataset {card.name!r}: {name} {error}.") from error

    with cache_written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent / ".lock"):
            manifest = _current(path, source)  # Another process may have made it meanwhile.
            if manifest is None:
                manifest = _build(card, source, _older(path), progress, look)
                write_manifest(manifest, path)
    return manifest


def _build(
    card: DatasetCard,
    source: Source,
    old: Manifest | None,
    progress: Progress | None,
    look: Callable[[str, bytes, bytes], None],
) -> Manifest:
    try:
        return build_manifest(card, source, old, progress, look)
    except OSError as error:
        raise DataError(f"dataset {card.name!r}: {error.filename}: {error.strerror or error}.") from error


def _older(path: Path) -> Manifest | None:
    """This manifest in an older state, else the newest of another card that has read the same files."""
    others = sorted(path.parent.glob("*.manifest"), key=lambda other: other.stat().st_mtime_ns, reverse=True)
    manifests = (read_manifest(candidate, earlier=True) for candidate in (path, *others))
    return next((manifest for manifest in manifests if manifest is not None), None)


def _descriptions(
    card: DatasetCard, source: Source, base: Path | None, settings: Settings
) -> dict[str, tuple[str, ...]]:
    """Sentences by label or class name, from a file in the data's folder, else where the card's data is looked for."""
    name = card.prompts.descriptions_file
    if name is None:
        return {}
    inside = Path(source.root) / name
    path = inside if inside.is_file() else Locator(card.name, base, settings.data, settings.cache).find(name)
    sentences: dict[str, tuple[str, ...]] = {}
    for number, row in read_rows(path):
        if not {"label", "text"} <= row.keys():
            raise DataError(f"{path}: descriptions need the columns label and text; there are: {', '.join(row)}.")
        if not row["label"] or not row["text"]:
            raise DataError(f"{path}, line {number}: label and text must not be empty.")
        sentences[row["label"]] = (*sentences.get(row["label"], ()), row["text"])
    return sentences
