"""Images in a folder, without a dataset around them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.pictures import Pictures
from workbench.errors import DataError
from workbench.inputs import read_bytes


class ImageFiles(Pictures):
    """Files below a root as `extract` wants them.

    Args:
        root: The folder.
        files: Relative paths; rows are positions in it.
    """

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self._root = root
        self._files = files
        # Asked for by whoever looks for copies, and then by `extract`: a file is read for it once.
        self._digests: dict[int, bytes] = {}

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32); zeros where a file cannot be read."""
        return np.stack([np.frombuffer(self._digest(int(row)), dtype=np.uint8) for row in rows])

    def ids(self, rows: AnyArray) -> list[str]:
        """Relative paths."""
        return [self._files[int(row)] for row in rows]

    def read(self, row: int) -> bytes:
        """Encoded bytes; raises `DataError` with the reason alone, as decoding does, since callers name the file."""
        try:
            return read_bytes(self._root / self._files[row])
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})") from error

    def _digest(self, row: int) -> bytes:
        if row not in self._digests:
            try:
                self._digests[row] = hashlib.blake2b(self.read(row), digest_size=32).digest()
            except DataError:
                self._digests[row] = bytes(32)
        return self._digests[row]
