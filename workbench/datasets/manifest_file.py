"""Manifests as Parquet files behind a checksum."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.datasets.manifest import HASH_BYTES, Manifest
from workbench.datasets.sources import Location, Record, RecordColumns
from workbench.files import read_sealed, write_sealed

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "8"
"""Raise it when the same files give other rows or splits."""
_ROWS = 4096  # Are Python objects at a time.
_SAME_COLUMNS = ("4", "5", "6", "7", FORMAT)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write as Parquet behind a checksum, by atomic rename."""
    import pyarrow.parquet as pq

    about = {
        "format": FORMAT,
        "state": manifest.state,
        "class_names": json.dumps(manifest.class_names),
        "notes": json.dumps(manifest.notes),
        "revision": json.dumps(manifest.revision),
        "made": json.dumps(manifest.made),
        "noted_names": json.dumps(manifest.noted_names),
    }
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, _table(manifest, 0, 0).schema.with_metadata(about)) as writer:
        for start in range(0, max(1, len(manifest.records)), _ROWS):
            part = _table(manifest, start, min(start + _ROWS, len(manifest.records)))
            writer.write_table(part.replace_schema_metadata(about))
    write_sealed(path, buffer.getvalue())


def _table(manifest: Manifest, start: int, end: int) -> "pa.Table":
    """Rows of a manifest."""
    import pyarrow as pa

    rows = [manifest.records[i] for i in range(start, end)]
    stamps = manifest.stamps[start:end]
    return pa.table(
        {
            "id": pa.array([row.id for row in rows], pa.string()),
            "hash": pa.array([digest.tobytes() for digest in manifest.hashes[start:end]], pa.binary(HASH_BYTES)),
            "file": pa.array([row.location.file for row in rows], pa.string()),
            "row": pa.array([row.location.row for row in rows], pa.int64()),
            "offset": pa.array([row.location.offset for row in rows], pa.int64()),
            "length": pa.array([row.location.length for row in rows], pa.int64()),
            "label": pa.array([list(row.labels) for row in rows], pa.list_(pa.string())),
            "unknown": pa.array([list(row.unknown) for row in rows], pa.list_(pa.string())),
            "split": pa.array([row.split for row in rows], pa.string()),
            "group": pa.array([row.group for row in rows], pa.string()),
            "caption": pa.array([list(row.captions) for row in rows], pa.list_(pa.string())),
            "extra": pa.array([row.extra for row in rows], pa.string()),
            "size": pa.array(stamps[:, 0], pa.int64()),
            "mtime_ns": pa.array(stamps[:, 1], pa.int64()),
        }
    )


def read_manifest(path: Path, *, earlier: bool = False) -> Manifest | None:
    """Read what `write_manifest` wrote; None if there is nothing usable, so that it is made anew.

    A damaged file is moved aside, and that is logged.

    Args:
        path: The file.
        earlier: Take an earlier format, too, whose hashes still hold.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = read_sealed(path)
        if content is None:
            return None
        # Not pq.read_table, which imports pyarrow.dataset.
        with pq.ParquetFile(io.BytesIO(content)) as file:
            about = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}
            if about.get("format") not in (_SAME_COLUMNS if earlier else (FORMAT,)):
                return None
            records = RecordColumns()
            hashes, stamps = bytearray(), [np.empty((0, 2), np.int64)]
            for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
                columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
                records.extend(_records(columns))
                hashes += b"".join(columns["hash"])
                stamps.append(np.array([columns["size"], columns["mtime_ns"]], dtype=np.int64).T.reshape(-1, 2))
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None
    return Manifest(
        records=records,
        stamps=np.concatenate(stamps),
        hashes=np.frombuffer(bytes(hashes), dtype=np.uint8).reshape(-1, HASH_BYTES),
        state=about["state"],
        class_names=json.loads(about["class_names"]),
        notes=tuple(json.loads(about["notes"])),
        revision=json.loads(about["revision"]),
        # Earlier formats do not say.
        made=tuple(json.loads(about.get("made", "[]"))),
        noted_names=tuple(json.loads(about.get("noted_names", "[]"))),
    )


def _records(columns: Mapping[str, list[Any]]) -> Iterator[Record]:
    locations = map(Location, columns["file"], columns["row"], columns["offset"], columns["length"])
    for i, location in enumerate(locations):
        yield Record(
            id=columns["id"][i],
            location=location,
            labels=tuple(columns["label"][i]),
            split=columns["split"][i],
            group=columns["group"][i],
            captions=tuple(columns["caption"][i]),
            extra=columns["extra"][i],
            unknown=tuple(columns["unknown"][i]) if "unknown" in columns else (),  # Earlier formats have none.
        )
