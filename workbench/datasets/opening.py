"""Open the dataset of an argument: a registered name, a card file or a folder."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from workbench.datasets._medical_records import with_patients_named
from workbench.datasets._named_files import read_descriptions, read_tables, with_checklists
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_reading import read_card
from workbench.datasets.catalogue import cards
from workbench.datasets.corrupted import CorruptedDataset
from workbench.datasets.dataset import Dataset
from workbench.datasets.dataset_depths import with_depths
from workbench.datasets.decoding import decodes_itself
from workbench.datasets.folder_card import card_for_folder
from workbench.datasets.languages import card_languages, in_language
from workbench.datasets.manifest import Progress
from workbench.datasets.manifest_cache import manifest_path, open_manifest
from workbench.datasets.repository_prompts import with_repository_prompts
from workbench.datasets.seen_headers import SeenHeaders
from workbench.datasets.sources import open_source
from workbench.datasets.sources._layout import metadata_files
from workbench.datasets.unlabelled_card import unlabelled_card
from workbench.datasets.walking import list_folder
from workbench.errors import DataError, UnknownNameError
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
    argument: str,
    settings: Settings,
    progress: Progress | None = None,
    *,
    language: str | None = None,
    despite_table: bool = True,
) -> Dataset:
    """Open a dataset, or any folder of images: where it cannot be a dataset, its pictures have no labels.

    Args:
        argument: A registered name, a card file, or a folder.
        settings: Gives the cache and the data folder.
        progress: Called with (done, total) while new contents are hashed.
        language: A language to take names and texts in, where the card has it.
        despite_table: Whether a folder whose metadata file cannot be used is read without it.

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
        if not despite_table and metadata_files(path):
            raise  # Who writes such a table means a dataset.
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
    card = with_repository_prompts(card, source)
    card = with_checklists(card, source, base, settings)
    descriptions = read_descriptions(card, source, base, settings)
    tables = read_tables(card, source, base, settings)
    seen = SeenHeaders()
    manifest = open_manifest(card, source, settings, progress, None if decodes_itself(source) else seen, tables)
    manifest = replace(manifest, records=with_patients_named(manifest.records, card.name))
    path = manifest_path(card, source, settings.cache, tables)
    card, depths = with_depths(card, source, manifest, seen, path, progress)
    opened = CorruptedDataset if card.corruptions.kinds else Dataset
    return opened(card, manifest, source, descriptions, depths, notes)
