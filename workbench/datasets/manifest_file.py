"""Manifests as Parquet files behind a checksum."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from workbench.datasets.manifest import HASH_BYTES, Manifest
from workbench.datasets.sources import Location, Record
from workbench.files import read_sealed, write_sealed

FORMAT = "8"
"""Raise it when the same files give other rows or splits."""
_SAME_COLUMNS = ("4", "5", "6", "7", FORMAT)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write as Parquet behind a checksum, by atomic rename."""
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
            "unknown": pa.array([list(row.unknown) for row in rows], pa.list_(pa.string())),
            "split": pa.array([row.split for row in rows], pa.string()),
            "group": pa.array([row.group for row in rows], pa.string()),
            "caption": pa.array([list(row.captions) for row in rows], pa.list_(pa.string())),
            "extra": pa.array([row.extra for row in rows], pa.string()),
            "size": pa.array([stamp[0] for stamp in manifest.stamps], pa.int64()),
            "mtime_ns": pa.array([stamp[1] for stamp in manifest.stamps], pa.int64()),
        }
    )
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
    pq.write_table(table.replace_schema_metadata(about), buffer)
    write_sealed(path, buffer.getvalue())


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
            table = file.read(use_threads=False)
        about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if about.get("format") not in (_SAME_COLUMNS if earlier else (FORMAT,)):
            return None
        columns: dict[str, list[Any]] = {
            name: table.column(name).to_pylist() for name in table.column_names if name != "hash"
        }
        packed = b"".join(table.column("hash").to_pylist())
    except (OSError, ValueError, KeyError, pa.ArrowException):
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
            extra=columns["extra"][i],
            unknown=tuple(columns["unknown"][i]) if "unknown" in columns else (),  # Earlier formats have none.
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
        revision=json.loads(about["revision"]),
        # Earlier formats do not say.
        made=tuple(json.loads(about.get("made", "[]"))),
        noted_names=tuple(json.loads(about.get("noted_names", "[]"))),
    )
