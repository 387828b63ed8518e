"""Headers of very many images, by the hash of their contents, in little memory."""

import threading
from array import array
from collections.abc import Mapping

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets.formats import Header

_BYTES = 32


class SeenHeaders:
    """Headers by content hash; most images of a dataset have one of a few headers. Threads may share it.

    Args:
        headers: The first of them.

    Attributes:
        values: The different headers.
    """

    def __init__(self, headers: Mapping[bytes, Header] | None = None) -> None:
        self.values: list[Header] = []
        self._code_of: dict[Header, int] = {}
        self._keys = bytearray()
        self._codes = array("i")
        self._lock = threading.Lock()
        for key, header in (headers or {}).items():
            self[key] = header

    def __setitem__(self, key: bytes, header: Header) -> None:
        with self._lock:
            code = self._code_of.setdefault(header, len(self.values))
            if code == len(self.values):
                self.values.append(header)
            self._keys += key
            self._codes.append(code)

    def __len__(self) -> int:
        return len(self._codes)

    def find(self, hashes: AnyArray) -> IntArray:
        """Positions in `values` of the headers of contents, int64 (n,); -1 where a content was not seen.

        Args:
            hashes: uint8 (n, 32).
        """
        found = np.full(len(hashes), -1, dtype=np.int64)
        if not len(self) or not len(hashes):
            return found
        keys = _as_texts(np.frombuffer(bytes(self._keys), dtype=np.uint8).reshape(-1, _BYTES))
        wanted = _as_texts(hashes)
        order = np.argsort(keys, kind="stable")
        at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
        hit = keys[order[at]] == wanted
        found[hit] = np.array(self._codes, dtype=np.int64)[order[at[hit]]]
        return found


def _as_texts(hashes: AnyArray) -> AnyArray:
    """Hashes as scalars that can be sorted; the comparison of texts stops at no byte but trailing zeros."""
    return np.ascontiguousarray(hashes).view(f"S{_BYTES}")[:, 0]
