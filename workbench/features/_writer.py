"""Rows on their way into a table: gathered until a shard is worth committing."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from workbench.arrays import AnyArray
from workbench.features._files import CacheError
from workbench.features._shard import KEY_BYTES
from workbench.features._table import FeatureTable


class Writer:
    """Commits rows in shards; leaving the context commits the rest, after an error too.

    Args:
        table: The table to write to.
        max_rows: A shard is committed when it has this many rows,
        max_seconds: or when its first row has waited so long.
    """

    def __init__(self, table: FeatureTable, max_rows: int, max_seconds: float) -> None:
        self._table = table
        self._max_rows = max_rows
        self._max_seconds = max_seconds
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, CacheError):  # What cannot be written once is not tried again.
            self.commit()

    def add(self, keys: Sequence[bytes], columns: Mapping[str, AnyArray]) -> None:
        """Add rows.

        Args:
            keys: n keys of 32 bytes.
            columns: (n, width) for each column of the table.
        """
        if keys:
            self._append(keys, columns, {})

    def add_tombstones(self, reasons: Sequence[tuple[bytes, str]]) -> None:
        """Add keys that will never have a row, each with the reason."""
        if reasons:
            dtype = self._table.dtype
            zeros = {name: np.zeros((len(reasons), width), dtype) for name, width in self._table.widths.items()}
            self._append([key for key, _ in reasons], zeros, dict(enumerate(reason for _, reason in reasons)))

    def commit(self) -> None:
        """Write the added rows as a shard."""
        if self._keys:
            keys = np.frombuffer(b"".join(self._keys), dtype=np.uint8).reshape(-1, KEY_BYTES)
            readable = np.ones(len(keys), dtype=np.bool_)
            readable[list(self._reasons)] = False
            columns = {name: np.concatenate(parts) for name, parts in self._columns.items()}
            self._table.commit(keys, columns, readable, self._reasons)
        self._clear()

    def _clear(self) -> None:
        self._keys: list[bytes] = []
        self._columns: dict[str, list[AnyArray]] = {name: [] for name in self._table.widths}
        self._reasons: dict[int, str] = {}
        self._began = time.monotonic()

    def _append(self, keys: Sequence[bytes], columns: Mapping[str, AnyArray], reasons: Mapping[int, str]) -> None:
        if not self._keys:
            self._began = time.monotonic()
        self._reasons.update({len(self._keys) + i: reason for i, reason in reasons.items()})
        self._keys.extend(keys)
        for name, parts in self._columns.items():
            parts.append(columns[name])
        if len(self._keys) >= self._max_rows or time.monotonic() - self._began >= self._max_seconds:
            self.commit()
