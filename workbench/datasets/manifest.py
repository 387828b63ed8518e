"""The cached list of a dataset's images: content hashes, labels, splits. A warm run opens nothing else."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.sources import Record, Source
from workbench.datasets.sources._base import Location
from workbench.errors import DataError

FORMAT = "1"
HASH_BYTES = 32
_UNREAD = bytes(HASH_BYTES)
_WORKERS = min(8, 2 * (os.cpu_count() or 1))

Stamp = tuple[int, int]
AssignSplits = Callable[[list[Record]], tuple[list[Record], list[str]]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Manifest:
    """One row per image, ordered by content hash and then id, so that renaming a file moves nothing.

    Attributes:
        records: The rows as their source lists them, with splits filled in.
        stamps: (size, mtime_ns) of each row's file; (-1, -1) where there is none.
        hashes: uint8 (n, 32), BLAKE2b-256 of the encoded bytes; zeros where the file could not be read.
        state: The source's state that this was made from.
        class_names: Raw label to name where the source itself knows names.
        notes: Sentences about splits that were made and rows that were left out.
        hashed: How many contents were read to make it; 0 when it came from the cache.
    """

    records: list[Record]
    stamps: list[Stamp]
    hashes: AnyArray
    state: str
    class_names: dict[str, str]
    notes: tuple[str, ...]
    hashed: int = 0


def build_manifest(
    source: Source, old: Manifest | None, assign_splits: AssignSplits, progress: Progress | None = None
) -> Manifest:
    """List the source, and read only contents that are new or changed since `old`.

    Args:
        source: Where the images are.
        old: The manifest of an earlier state.
        assign_splits: Fills in missing splits; returns the records and what was done, in sentences.
        progress: Called with (done, total) while contents are read.
    """
    records = source.records()
    known = _known_hashes(old)
    stamp_of = {file: source.stamp(file) for file in {record.location.file for record in records}}
    digests = [known.get((record.location, stamp_of[record.location.file]), _UNREAD) for record in records]
    todo = [i for i, digest in enumerate(digests) if digest == _UNREAD]

    def digest(i: int) -> bytes:
        try:
            return hashlib.blake2b(source.read(records[i].location), digest_size=HASH_BYTES).digest()
        except DataError:
            return _UNREAD  # Extraction reports it as unreadable.

    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, (i, value) in enumerate(zip(todo, pool.map(digest, todo), strict=True), 1):
            digests[i] = value
            if progress is not None and (done % 64 == 0 or done == len(todo)):
                progress(done, len(todo))

    order = sorted(range(len(records)), key=lambda i: (digests[i], records[i].id))
    assigned, notes = assign_splits([records[i] for i in order])
    return Manifest(
        records=assigned,
        stamps=[stamp_of[records[i].location.file] for i in order],
        hashes=np.frombuffer(b"".join(digests[i] for i in order), dtype=np.uint8).reshape(-1, HASH_BYTES),
        state=source.state(list(stamp_of)),
        class_names=dict(source.class_names),
        notes=tuple(notes),
        hashed=len(todo),
    )


def _known_hashes(old: Manifest | None) -> dict[tuple[Location, Stamp], bytes]:
    if old is None:
        return {}
    rows = zip(old.records, old.stamps, old.hashes, strict=True)
    return {(record.location, stamp): digest.tobytes() for record, stamp, digest in rows if stamp != (-1, -1)}


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write as Parquet, by atomic rename."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = manifest.records
    table = pa.table(
        {
            "id": pa.array([row.id for row in rows], pa.string()),
            "hash": pa.array([digest.tobytes() for digest in manifest.hashes], pa.binary(HASH_BYTES)),
            "file": pa.array([row.location.file for row in rows], pa.string()),
            "row": pa.array([row.location.row for row in rows], pa.int64()),
            "offset": pa.array([row.location.offset for row in rows], pa.int64()),
            "length": pa.array([row.location.length for row in rows], pa.int64()),
            "label": pa.array([list(row.labels) for row in rows], pa.list_(pa.string())),
            "split": pa.array([row.split for row in rows], pa.string()),
            "group": pa.array([row.group for row in rows], pa.string()),
            "caption": pa.array([list(row.captions) for row in rows], pa.list_(pa.string())),
            "extra": pa.array(
                [json.dumps(row.extra, default=str, ensure_ascii=False) if row.extra else None for row in rows],
                pa.string(),
            ),
            "size": pa.array([stamp[0] for stamp in manifest.stamps], pa.int64()),
            "mtime_ns": pa.array([stamp[1] for stamp in manifest.stamps], pa.int64()),
        }
    )
    about = {
        "format": FORMAT,
        "state": manifest.state,
        "class_names": json.dumps(manifest.class_names),
        "notes": json.dumps(manifest.notes),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(table.replace_schema_metadata(about), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the atomic step, named as such
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_manifest(path: Path) -> Manifest | None:
    """Read what `write_manifest` wrote; None if there is nothing usable, so that it is made anew."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=True)
        about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if about.get("format") != FORMAT:
            return None
        columns: dict[str, list[Any]] = {
            name: table.column(name).to_pylist() for name in table.column_names if name != "hash"
        }
        packed = b"".join(table.column("hash").to_pylist())
    except (OSError, pa.ArrowException, KeyError):
        return None
    locations = map(Location, columns["file"], columns["row"], columns["offset"], columns["length"])
    records = [
        Record(
            id=columns["id"][i],
            location=location,
            labels=tuple(columns["label"][i]),
            split=columns["split"][i],
            group=columns["group"][i],
            captions=tuple(columns["caption"][i]),
            extra=json.loads(columns["extra"][i]) if columns["extra"][i] else {},
        )
        for i, location in enumerate(locations)
    ]
    return Manifest(
        records=records,
        stamps=list(zip(columns["size"], columns["mtime_ns"], strict=True)),
        hashes=np.frombuffer(packed, dtype=np.uint8).reshape(-1, HASH_BYTES),
        state=about["state"],
        class_names=json.loads(about["class_names"]),
        notes=tuple(json.loads(about["notes"])),
    )
