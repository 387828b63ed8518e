"""One shard: an immutable safetensors file of keyed rows, named by the checksum of its own bytes.

The name covers the header as well as the data and needs no second file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.features._files import CacheError, write_atomically

KEY_BYTES = 32
SUFFIX = ".safetensors"
_FORMAT = "workbench-features-1"
_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "U8": np.dtype("u1")}


class CorruptShardError(Exception):
    """A shard whose bytes are not those that were committed."""


@dataclass
class Shard:
    """A memory-mapped shard of n rows. Nothing in it is to be trusted before `verify`.

    Attributes:
        path: The file.
        keys: uint8 (n, 32).
        readable: bool (n,); a row that is not is a tombstone, its columns hold zeros.
        columns: Arrays (n, width) by name, float or uint8.
        reasons: Why, by tombstone row.
    """

    path: Path
    keys: AnyArray
    readable: AnyArray
    columns: dict[str, AnyArray]
    reasons: dict[int, str]
    _raw: AnyArray = field(repr=False)
    _verified: bool = False

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self._raw)

    def content(self) -> bytes:
        """The file's bytes; see `verify`."""
        return self._raw.tobytes()

    def check_length(self) -> None:
        """See that the file is as long as it was mapped: reading what somebody cut off would end the process (SIGBUS).

        Raises:
            CorruptShardError: It is not. A file that is gone stays readable for whom has mapped it.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size != len(self._raw):
            raise CorruptShardError(f"{self.path}: {size} bytes long, and {len(self._raw)} when it was opened")

    def verify(self) -> None:
        """Compare the file with the checksum in its name, once, and with its length each time.

        Raises:
            CorruptShardError: They differ.
        """
        from xxhash import xxh3_128_hexdigest

        self.check_length()
        if not self._verified and xxh3_128_hexdigest(self._raw.data) != self.path.stem:
            raise CorruptShardError(f"{self.path}: checksum mismatch")
        self._verified = True


def write_shard(
    folder: Path, keys: AnyArray, readable: AnyArray, columns: Mapping[str, AnyArray], reasons: Mapping[int, str]
) -> Path:
    """Commit rows as a new shard.

    Args:
        folder: The folder to write to.
        keys: uint8 (n, 32).
        readable: bool (n,).
        columns: Float32 or uint8 arrays (n, width) by name.
        reasons: Why a row is a tombstone, by row.

    Raises:
        CacheError: The folder cannot be written.
    """
    from safetensors.numpy import save
    from xxhash import xxh3_128_hexdigest

    tensors = {
        name: np.ascontiguousarray(column, dtype="u1" if column.dtype == np.uint8 else "<f4")
        for name, column in columns.items()
    }
    tensors["keys"] = np.ascontiguousarray(keys, dtype=np.uint8)
    tensors["readable"] = np.ascontiguousarray(readable, dtype=np.uint8)
    named = {str(row): reason for row, reason in reasons.items()}
    # One entry: safetensors writes several in an order that differs from call to call.
    description = json.dumps({"format": _FORMAT, "reasons": named}, sort_keys=True)
    data = save(tensors, metadata={"workbench": description})
    path = folder / f"{xxh3_128_hexdigest(data)}{SUFFIX}"
    write_atomically(path, data)
    return path


def open_shard(path: Path, columns: Sequence[str]) -> Shard:
    """Map a shard without reading its rows.

    Args:
        path: The file.
        columns: The columns it must have.

    Raises:
        FileNotFoundError: Another process pruned it.
        CorruptShardError: It is truncated or its header is damaged.
        CacheError: Another version of the workbench wrote it.
    """
    try:
        # Mapped with numpy: safetensors' own reader copies whole tensors.
        raw: AnyArray = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
        start = 8 + int(raw[:8].view("<u8")[0])
        header: dict[str, Any] = json.loads(raw[8:start].tobytes())
        description = json.loads(header.pop("__metadata__")["workbench"])
        arrays = {name: _array(raw, start, entry) for name, entry in header.items()}
        shard = Shard(
            path=path,
            keys=arrays["keys"].reshape(-1, KEY_BYTES),
            readable=arrays["readable"].astype(np.bool_),
            columns={name: arrays[name] for name in columns},
            reasons={int(row): str(reason) for row, reason in description["reasons"].items()},
            _raw=raw,
        )
        lengths = {len(shard.keys), len(shard.readable), *(len(column) for column in shard.columns.values())}
        other_format = description["format"] != _FORMAT
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise CorruptShardError(f"{path}: damaged ({error})") from error
    if len(lengths) != 1:
        raise CorruptShardError(f"{path}: columns of different lengths")
    if other_format:
        shard.verify()  # Damage is likelier than a format of the future.
        raise CacheError(f"{path}: written by another version of the workbench; set WORKBENCH_CACHE to another folder.")
    return shard


def _array(raw: AnyArray, start: int, entry: Mapping[str, Any]) -> AnyArray:
    """A view of one tensor; numpy refuses what does not lie inside the file."""
    first, last = entry["data_offsets"]
    array: AnyArray = raw[start + first : start + last].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return array
