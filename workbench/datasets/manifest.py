"""The cached list of a dataset's images: content hashes, labels, splits. A warm run opens nothing else."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.cores import usable_cores
from workbench.datasets._label_rules import with_labels
from workbench.datasets._medical_records import with_medical_files
from workbench.datasets._missing import why_missing
from workbench.datasets._name_groups import with_groups_of_names
from workbench.datasets._records import kept_together, merge_equal_images, prepare_records
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_labels import LabelTable
from workbench.datasets.card_sources import SplitName
from workbench.datasets.domains import in_target_domains
from workbench.datasets.named_tables import NamedTables
from workbench.datasets.noted_names import noted_names
from workbench.datasets.sources import FileSource, Location, Record, RecordColumns, Source, blamed, read_from
from workbench.datasets.splits import make_missing_splits
from workbench.errors import DataError

HASH_BYTES = 32
_UNREAD = bytes(HASH_BYTES)
_EMPTY = hashlib.blake2b(b"", digest_size=HASH_BYTES).digest()
_WORKERS = min(8, 2 * usable_cores())

NO_TABLES = NamedTables()
Stamp = tuple[int, int]
Progress = Callable[[int, int], None]
_NO_FILE = (-1, -1)
_ROOT_HINTS = {
    True: " Set source.root, where paths in a table are relative to another folder.",
    False: " Paths in the table start from the table's folder.",
}
_CHUNK = 256  # Bounds the work in the queue.
# File systems keep times in ticks of some milliseconds, so a file that is younger may change and keep its time.
_TICK = 0.02


@dataclass(frozen=True)
class Manifest:
    """One row per image, in the order in which the source reads them fastest.

    Attributes:
        records: The rows as their source lists them, with our splits.
        stamps: int64 (n, 2), size and mtime_ns of each row's file; -1 and -1 where there is none.
        hashes: uint8 (n, 32), BLAKE2b-256 of the encoded bytes; zeros where the file could not be read.
        state: The source's state that this was made from.
        class_names: Raw label to name where the source itself knows names.
        notes: Sentences about splits that were made and rows that were left out.
        revision: The source's revision, where it has revisions.
        hashed: How many contents were read to make it; 0 when it came from the cache.
        made: The splits that the source lacks, and that were made from train.
        noted_names: Names of files and images in the notes that are those of no row.
    """

    records: Sequence[Record]
    stamps: IntArray
    hashes: AnyArray
    state: str
    class_names: dict[str, str]
    notes: tuple[str, ...]
    revision: str | None = None
    hashed: int = 0
    made: tuple[SplitName, ...] = ()
    noted_names: tuple[str, ...] = ()

    @property
    def lacks_content(self) -> BoolArray:
        """For each row, bool (n,), whether its file is missing, cannot be read, or is empty, so that it is no image."""
        return lacking(self.hashes)

    @property
    def has_unread_files(self) -> bool:
        """Whether a file was there but could not be read, which neither its size nor its time tells when it can be."""
        unread = np.flatnonzero(~self.hashes.any(axis=1))
        return bool((self.stamps[unread] != _NO_FILE).any())


def lacking(hashes: AnyArray) -> BoolArray:
    """Which contents are none: that could not be read, or of no bytes; bool (n,) for uint8 (n, 32)."""
    empty = (hashes == np.frombuffer(_EMPTY, dtype=np.uint8)).all(axis=1)
    return np.asarray(empty | ~hashes.any(axis=1), dtype=np.bool_)


def build_manifest(
    card: DatasetCard,
    source: Source,
    old: Manifest | None,
    progress: Progress | None = None,
    look: Callable[[str, bytes, bytes], None] | None = None,
    tables: NamedTables = NO_TABLES,
) -> Manifest:
    """List the source, and read only contents that are new or changed since `old`.

    Args:
        card: Says what splits, labels and captions mean.
        source: Where the images are.
        old: The manifest of an earlier state.
        progress: Called with (done, total) while contents are read.
        look: Called with the name, the hash and the bytes of each content that is read, from several threads.
        tables: Those that the card names, read.

    Raises:
        DataError: The data contradicts the card, or none of its files is there.
    """
    with noted_names() as noted:
        records, notes, names = _list_records(card, source, tables)
    files = list(dict.fromkeys(record.location.file for record in records))
    stamp_of = _settled_stamps(source, files)
    # Before the contents: a file that changes from here on is found changed the next time.
    state = source.state(files)
    missing = [file for file in files if stamp_of[file] == _NO_FILE]
    if missing and len(missing) == len(files) and isinstance(source, FileSource):
        reason = why_missing(source.root, missing[0])
        hint = (
            f" {missing[0]!r}: {reason}." if reason else _ROOT_HINTS.get("root" in type(card.source).model_fields, "")
        )
        raise DataError(
            f"dataset {card.name!r}: none of its {len(files)} image files is there; the first would be "
            f"{source.root / missing[0]}.{hint}"
        )
    hashes = np.zeros((len(records), HASH_BYTES), dtype=np.uint8)
    if old is not None:
        known = _KnownHashes(old)
        for i, record in enumerate(records):
            hashes[i] = known.get(record.location, stamp_of[record.location.file])
    todo = np.flatnonzero(~hashes.any(axis=1))

    def digest(i: int) -> bytes:
        try:
            data = read_from(source, records[i].location)
        except DataError:
            return _UNREAD  # Extraction reports it as unreadable.
        content = hashlib.blake2b(data, digest_size=HASH_BYTES).digest()
        if look is not None:
            look(records[i].id, content, data)
        return content

    with ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(todo), _CHUNK):
            part = todo[start : start + _CHUNK].tolist()
            for i, value in zip(part, pool.map(digest, part), strict=True):
                hashes[i] = np.frombuffer(value, dtype=np.uint8)
            if progress is not None:
                progress(start + len(part), len(todo))

    lacks_content = lacking(hashes)
    splits, made = [cast("SplitName", record.split) for record in records], list[str]()
    if card.makes_splits:
        splits, made = make_missing_splits(
            splits,
            [record.labels for record in records],
            kept_together(card, records),
            np.where(lacks_content[:, None], np.uint8(0), hashes),
            [record.id for record in records],
            card.splits,
            in_target_domains(card, records) if card.splits.in_domain_test else None,
        )
    new = sorted(set(splits) - {cast("SplitName", record.split) for record in records})
    divided = records
    if new:
        divided = RecordColumns(replace(record, split=split) for record, split in zip(records, splits, strict=True))
    contents = (None if lacks else digest.tobytes() for lacks, digest in zip(lacks_content, hashes, strict=True))
    kept, merged = merge_equal_images(card, divided, contents)
    if len(kept) < len(records):
        made = [
            *made,
            f"{len(records)} rows hold {len(kept)} different images, each with all its rows' captions.",
        ]
    return Manifest(
        records=merged,
        stamps=np.array([stamp_of[record.location.file] for record in merged], dtype=np.int64).reshape(-1, 2),
        hashes=hashes if len(kept) == len(hashes) else hashes[np.asarray(kept)],
        state=state,
        class_names=dict(names or source.class_names),
        notes=(*source.notes, *notes, *made),
        revision=source.revision,
        hashed=len(todo),
        made=tuple(new),
        noted_names=tuple(dict.fromkeys(noted)),
    )


def _list_records(
    card: DatasetCard, source: Source, tables: NamedTables
) -> tuple[Sequence[Record], list[str], Mapping[str, str]]:
    """The source's records as the card wants them, sentences about them, and class names that its tables know."""
    with blamed(type(source), f"list dataset {card.name!r}"):
        listed = _list(source)
    listed, medical_notes = with_medical_files(card, source, listed)
    names: Mapping[str, str] = {}
    split_notes: list[str] = []
    if tables.splits is not None:
        listed, names, split_notes = tables.splits.applied(listed, card.splits, card.name)
        if card.labels != LabelTable():
            names = {}  # Labels are renamed below.
    if tables.detections is not None:
        listed = tables.detections.applied(listed)
    listed, group_notes = with_groups_of_names(card, listed)
    listed, label_notes = with_labels(card, listed)
    records, notes = prepare_records(card, listed, tables.groups)
    return records, [*split_notes, *notes, *medical_notes, *group_notes, *label_notes], names


def _list(source: Source) -> Sequence[Record]:
    """The source's records, from one state of its tables and folders."""
    for _ in range(5):
        before = source.state(())
        records = RecordColumns.of(source.records())
        if source.state(()) == before:
            break
    return records


def _settled_stamps(source: Source, files: list[str]) -> dict[str, Stamp]:
    """Stamps of files, taken when the youngest is old enough for a later change to show in its time."""
    stamps = {file: source.stamp(file) for file in files}
    youngest = max((mtime for _, mtime in stamps.values()), default=0)
    if 0 <= time.time() - youngest / 1e9 < _TICK:
        time.sleep(_TICK)
        stamps = {file: source.stamp(file) for file in files}
    return stamps


class _KnownHashes:
    """Hashes of an earlier manifest by location and stamp; it keeps numbers, not the locations themselves."""

    def __init__(self, old: Manifest) -> None:
        self._old = old
        keys = (
            self._key(record.location, stamp) for record, stamp in zip(old.records, old.stamps.tolist(), strict=True)
        )
        self._keys = np.fromiter(keys, np.int64, len(old.records))
        self._order = np.argsort(self._keys, kind="stable")

    def get(self, location: Location, stamp: Stamp) -> AnyArray:
        """uint8 (32,); zeros where it is not known."""
        key = self._key(location, stamp)
        at = int(np.searchsorted(self._keys, key, sorter=self._order))
        while stamp != _NO_FILE and at < len(self._order) and self._keys[row := int(self._order[at])] == key:
            if self._old.records[row].location == location and tuple(self._old.stamps[row].tolist()) == stamp:
                return np.asarray(self._old.hashes[row])
            at += 1
        return np.zeros(HASH_BYTES, dtype=np.uint8)

    @staticmethod
    def _key(location: Location, stamp: Iterable[int]) -> int:
        return hash((location, *stamp))
