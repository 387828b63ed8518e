"""Headers and extrema of a dataset's images in the cache, each file behind a checksum."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Limits
from workbench.datasets.formats import Header
from workbench.datasets.seen_headers import SeenHeaders
from workbench.files import read_sealed, write_sealed

FORMAT = "1"
"""Raise it when the same bytes give another header or other extrema."""
SUFFIX = ".headers"
_ROWS = 4096
_FIELDS = tuple(own.name for own in fields(Header))


def read_headers(path: Path, digest: str) -> dict[bytes, Header] | None:
    """Headers that are not plain, by content hash; None if there is nothing usable, so that it is made anew.

    Args:
        path: The file.
        digest: Of the hashes that it must be of.
    """
    found = _read(path, digest)
    return None if found is None else dict(found)


def _read(path: Path, digest: str | None) -> list[tuple[bytes, Header]] | None:
    """Those that are not plain, or all where no digest is given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = read_sealed(path)
        if content is None:
            return None
        with pq.ParquetFile(io.BytesIO(content)) as file:
            about = file.schema_arrow.metadata or {}
            if about.get(b"format") != FORMAT.encode() or digest not in (None, about.get(b"digest", b"").decode()):
                return None
            found = []
            for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
                kept = batch.to_pylist() if digest is None else _not_plain(batch)
                found += [(row["hash"], _header(row)) for row in kept]
        return found
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None


def _not_plain(batch: Any) -> list[dict[str, Any]]:
    import pyarrow as pa

    rows: list[dict[str, Any]] = batch.filter(
        pa.array(batch.column("plain").to_numpy(zero_copy_only=False) == 0)
    ).to_pylist()
    return rows


def _header(row: Mapping[str, Any]) -> Header:
    return Header(row["depth"], row["mapped"], row["whole"], row["pages"], row["windowed"])


def write_headers(path: Path, digest: str, hashes: AnyArray, headers: Sequence[Header]) -> None:
    """Write what `read_headers` reads; raises `OSError`.

    Args:
        path: The file.
        digest: Of the dataset's hashes.
        hashes: uint8 (n, 32), different contents.
        headers: n.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "hash": pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(32), len(hashes), [None, pa.py_buffer(np.ascontiguousarray(hashes))]
        ),
        "plain": pa.array([own.is_plain for own in headers], pa.bool_()),
        **{name: pa.array([getattr(own, name) for own in headers]) for name in _FIELDS},
    }
    table = pa.table(columns, metadata={"format": FORMAT, "digest": digest})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_sealed(path, buffer.getvalue())


def read_known_headers(path: Path) -> SeenHeaders:
    """All headers in a file of an earlier state, else in the newest of another card that has read the same files."""
    others = sorted(path.parent.glob(f"*{SUFFIX}"), key=lambda other: other.stat().st_mtime_ns, reverse=True)
    found = (_read(candidate, None) for candidate in (path, *others))
    return SeenHeaders(dict(next((headers for headers in found if headers is not None), ())))


def read_limits(path: Path) -> dict[bytes, Limits | None]:
    """Extrema by content hash, None for images that cannot be decoded; empty if there is nothing usable."""
    try:
        stored = json.loads(read_sealed(path) or b"{}")
        if stored.get("format") != FORMAT:
            return {}
        return {bytes.fromhex(key): own and (own[0], own[1]) for key, own in stored["extrema"].items()}
    except (OSError, ValueError, KeyError):
        return {}


def write_limits(path: Path, limits: Mapping[bytes, Limits | None]) -> None:
    """Write what `read_limits` reads; raises `OSError`."""
    extrema = {key.hex(): own for key, own in limits.items()}
    write_sealed(path, json.dumps({"format": FORMAT, "extrema": extrema}).encode())
