"""Headers and extrema of a dataset's images in the cache, each file behind a checksum."""

import io
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from workbench.datasets.card_pixels import Limits
from workbench.datasets.formats import Header
from workbench.files import read_sealed, write_sealed

FORMAT = "1"
"""Raise it when the same bytes give another header or other extrema."""
SUFFIX = ".headers"
_FIELDS = tuple(own.name for own in fields(Header))


def read_headers(path: Path, digest: str | None = None, *, all_of_them: bool = False) -> dict[bytes, Header] | None:
    """Header by content hash; None if there is nothing usable, so that it is made anew.

    Args:
        path: The file.
        digest: Of the hashes that it must be of; None takes any.
        all_of_them: Those that are plain, too.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = read_sealed(path)
        if content is None:
            return None
        with pq.ParquetFile(io.BytesIO(content)) as file:
            table = file.read(use_threads=False)
        about = table.schema.metadata or {}
        if about.get(b"format") != FORMAT.encode() or digest not in (None, about.get(b"digest", b"").decode()):
            return None
        if not all_of_them:
            table = table.filter(table.column("plain").combine_chunks().to_numpy(zero_copy_only=False) == 0)
        rows = table.to_pylist()
        return {
            row["hash"]: Header(row["depth"], row["mapped"], row["whole"], row["pages"], row["windowed"])
            for row in rows
        }
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None


def write_headers(path: Path, digest: str, headers: Mapping[bytes, Header]) -> None:
    """Write what `read_headers` reads; raises `OSError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "hash": pa.array(list(headers), pa.binary(32)),
            "plain": pa.array([own.is_plain for own in headers.values()], pa.bool_()),
            **{name: pa.array([getattr(own, name) for own in headers.values()]) for name in _FIELDS},
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"format": FORMAT, "digest": digest}), buffer)
    write_sealed(path, buffer.getvalue())


def read_known_headers(path: Path) -> dict[bytes, Header]:
    """All headers in a file of an earlier state, else in the newest of another card that has read the same files."""
    others = sorted(path.parent.glob(f"*{SUFFIX}"), key=lambda other: other.stat().st_mtime_ns, reverse=True)
    found = (read_headers(candidate, all_of_them=True) for candidate in (path, *others))
    return next((headers for headers in found if headers is not None), {})


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
