"""Manifests in the cache: one for each place that data lies in and each way of reading it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_dicom import DicomTags
from workbench.datasets.card_labels import LabelTable
from workbench.datasets.dataset_depths import cache_written
from workbench.datasets.headers import read_header
from workbench.datasets.manifest import NO_TABLES, Manifest, Progress, build_manifest
from workbench.datasets.manifest_file import read_manifest, write_manifest
from workbench.datasets.named_tables import NamedTables
from workbench.datasets.seen_headers import SeenHeaders
from workbench.datasets.sources import Source
from workbench.datasets.unreadable import MissingExtraError
from workbench.errors import DataError
from workbench.locks import locked
from workbench.settings import Settings


def open_manifest(
    card: DatasetCard,
    source: Source,
    settings: Settings,
    progress: Progress | None = None,
    seen: SeenHeaders | None = None,
    tables: NamedTables = NO_TABLES,
) -> Manifest:
    """The manifest of a source from the cache; made, or brought up to date, where the source has changed.

    Several processes may ask at once: one makes it, the others wait. A damaged manifest is made anew.

    Args:
        card: The card.
        source: Its source; set to the revision that the manifest was made from.
        settings: Gives the cache.
        progress: Called with (done, total) while new contents are hashed.
        seen: Is filled with the headers of the contents that are read, by their hash.
        tables: Those that the card names, read.

    Raises:
        DataError: The data contradicts the card, or the cache cannot be written.
    """
    path = manifest_path(card, source, settings.cache, tables)
    manifest = _current(path, source) or _make_manifest(path, card, source, progress, seen, tables)
    source.revision = manifest.revision
    return manifest


_RARE_COLUMNS = ("labels", "subgroups", "ranks", "observation", "region")


def manifest_path(card: DatasetCard, source: Source, cache: Path, tables: NamedTables) -> Path:
    """A folder for each place that data lies in; in it, a file for each way of reading it."""
    way = [
        card.model_dump_json(
            include={"task", "source", "columns", "splits", "multi_label", "label_separator"},
            # What few cards have is no part of how others are kept; tables count by what they say.
            exclude={
                "columns": {key for key in _RARE_COLUMNS if not getattr(card.columns, key)},
                "splits": {"groups", "file", "unknown"} | (set() if card.splits.group_pattern else {"group_pattern"}),
            },
        ),
        # What a card leaves open is read by its usual name; class codes are named where the card's classes allow.
        *(sorted(part) for part in (card.columns.model_fields_set, card.splits.model_fields_set, card.classes)),
        *tables.keys,
    ]
    if card.columns.together is not None:
        way.append("whole pairs")  # Before, splits divided them, and a group's column was not read as the pair's.
    if (card.pixels.slices, card.pixels.axis, card.dicom) != ("middle", "axial", DicomTags()):
        way.append(f"slices {card.pixels.slices} {card.pixels.axis}, ids {card.dicom.ids}")
    if card.prompts.descriptions_file is not None:
        way.append(f"reads {card.prompts.descriptions_file}")  # A note lists the tables that are not read.
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
    path: Path,
    card: DatasetCard,
    source: Source,
    progress: Progress | None,
    seen: SeenHeaders | None,
    tables: NamedTables,
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
                manifest = _build(card, source, _older(path), progress, look, tables)
                write_manifest(manifest, path)
    return manifest


def _build(
    card: DatasetCard,
    source: Source,
    old: Manifest | None,
    progress: Progress | None,
    look: Callable[[str, bytes, bytes], None],
    tables: NamedTables,
) -> Manifest:
    try:
        return build_manifest(card, source, old, progress, look, tables)
    except OSError as error:
        raise DataError(f"dataset {card.name!r}: {error.filename}: {error.strerror or error}.") from error


def _older(path: Path) -> Manifest | None:
    """This manifest in an older state, else the newest of another card that has read the same files."""
    others = sorted(path.parent.glob("*.manifest"), key=lambda other: other.stat().st_mtime_ns, reverse=True)
    manifests = (read_manifest(candidate, earlier=True) for candidate in (path, *others))
    return next((manifest for manifest in manifests if manifest is not None), None)
