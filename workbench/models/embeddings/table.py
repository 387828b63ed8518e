"""Embeddings of images and texts from a file that somebody else has written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import ModelError
from workbench.models.embeddings.columns import Columns

KEY_BYTES = 32
_EXPECTED = "a file that ends in .parquet, .npz, .safetensors, .h5 or .hdf5, or a folder of .h5 files as TRIDENT writes"


@dataclass(frozen=True)
class EmbeddingTable:
    """Embeddings of n images and m texts in one space.

    Attributes:
        ids: n names of images; empty where the file has none.
        hashes: uint8 (n, 32), BLAKE2b-256 of the bytes of each image's file; None where the file has none.
        projected: float32 (n, d), in the space that images and texts share.
        pooled: float32 (n, d_pooled), before the projection; `projected` where the file has no other.
        texts: m texts.
        text_features: float32 (m, d).
        logit_scale: Multiplier of cosines; None where the file does not say it.
        logit_bias: Added after scaling.
        by_stem: Whether names are those of files without folder and ending, as slides' are in TRIDENT.
        averaged: Whether an image's embedding is the mean of those of its patches.
    """

    ids: Sequence[str]
    hashes: AnyArray | None
    projected: FloatArray
    pooled: FloatArray
    texts: Sequence[str]
    text_features: FloatArray
    logit_scale: float | None = None
    logit_bias: float = 0.0
    by_stem: bool = False
    averaged: bool = False

    def __len__(self) -> int:
        return len(self.projected)

    def find(self, ids: Sequence[str], hashes: AnyArray) -> IntArray:
        """Rows of images, int64 (n,), -1 where there is none: by the hash, else by the name.

        Args:
            ids: Names of n images.
            hashes: uint8 (n, 32).
        """
        found = [
            self._by_hash.get(key.tobytes(), self._by_id.get(self.name_of(name), -1))
            for name, key in zip(ids, hashes, strict=True)
        ]
        return np.array(found, dtype=np.int64)

    def name_of(self, image: str) -> str:
        """What an image is called in this file."""
        return PurePosixPath(image).stem if self.by_stem else image

    @cached_property
    def _by_hash(self) -> dict[bytes, int]:
        return {} if self.hashes is None else {key.tobytes(): i for i, key in enumerate(self.hashes)}

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.ids)}

    @cached_property
    def text_rows(self) -> dict[str, int]:
        """Row of each text."""
        return {text: i for i, text in enumerate(self.texts)}


def files_of(path: Path) -> list[Path]:
    """The files of embeddings at a place.

    Raises:
        ModelError: There is nothing, or nothing of a known kind.
    """
    from workbench.models.embeddings.hdf5 import SUFFIXES

    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
        if not files:
            raise ModelError(f"features:{path}: there is no .h5 file in this folder; expected {_EXPECTED}.")
        return files
    if not path.is_file():
        raise ModelError(f"features:{path}: there is no such file; expected {_EXPECTED}.")
    if path.suffix not in _readers():
        raise ModelError(
            f"features:{path}: {path.suffix or 'a name without an ending'} is unknown; expected {_EXPECTED}."
        )
    return [path]


def read_embeddings(path: Path) -> EmbeddingTable:
    """Read and check a file, or a folder of HDF5 files.

    Raises:
        ModelError: It is not there, damaged, or lacks what it must have; names the file and the column.
    """
    columns = _read(path)
    where = f"features:{path}"
    images, texts = columns.projected, columns.text_projected
    if images is None:
        raise ModelError(f"{where}: has no 'projected' or 'features', the embeddings of images, shape (n, d).")
    if not columns.id and columns.hash is None:
        raise ModelError(
            f"{where}: has neither 'id' nor 'hash', so that nobody knows whose embeddings these are; write the ids "
            "that `workbench embed DATASET` shows, or BLAKE2b-256 of each file in hex (`b2sum -l 256`)."
        )
    projected = _matrix(images, f"{where}: 'projected'", columns.id)
    pooled = projected if columns.pooled is None else _matrix(columns.pooled, f"{where}: 'pooled'", columns.id)
    hashes = None if columns.hash is None else _keys(columns.hash, where)
    for what, count in (
        ("id", len(columns.id)),
        ("hash", 0 if hashes is None else len(hashes)),
        ("pooled", len(pooled)),
    ):
        if count and count != len(projected):
            raise ModelError(f"{where}: {len(projected)} embeddings, but {count} rows of {what!r}; expected as many.")
    for what, names in (("id", columns.id), ("text", columns.text)):
        if len(set(names)) != len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise ModelError(f"{where}: {what} {twice!r} is there twice; each may be there once.")
    given = np.empty((0, projected.shape[1]), np.float32)
    if texts is not None and len(texts):
        given = _matrix(texts, f"{where}: 'text_projected'", columns.text)
    if given.shape != (len(columns.text), projected.shape[1]):
        raise ModelError(
            f"{where}: embeddings of texts have shape {given.shape}; expected ({len(columns.text)}, "
            f"{projected.shape[1]}), a row for each 'text' in the space of the images."
        )
    return EmbeddingTable(
        columns.id, hashes, projected, pooled, columns.text, given, columns.logit_scale, columns.logit_bias or 0.0,
        columns.by_stem, columns.averaged,
    )  # fmt: skip


def _read(path: Path) -> Columns:
    files = files_of(path)
    read = _readers()[files[0].suffix]
    try:
        return read(files)
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        detail = " ".join(str(error).split())[:200]
        raise ModelError(f"features:{path}: cannot be read ({type(error).__name__}: {detail}).") from error


def _readers() -> dict[str, Callable[[Sequence[Path]], Columns]]:
    from workbench.models.embeddings import hdf5
    from workbench.models.embeddings.columns import read_npz, read_parquet, read_safetensors

    return {
        ".parquet": read_parquet,
        ".npz": read_npz,
        ".safetensors": read_safetensors,
        **dict.fromkeys(hdf5.SUFFIXES, hdf5.read),
    }


def _matrix(values: AnyArray, what: str, names: Sequence[str]) -> FloatArray:
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        raise ModelError(f"{what} is {values.dtype} of shape {values.shape}; expected numbers, one row an item.")
    matrix = np.ascontiguousarray(values, dtype=np.float32)
    good = np.isfinite(matrix).all(axis=1) & matrix.any(axis=1)
    if not good.all():
        row = int(np.argmin(good))
        name = f" ({names[row]!r})" if row < len(names) else ""
        raise ModelError(f"{what}: row {row}{name} is zero, NaN or infinite; leave out what has no embedding.")
    return matrix


def _keys(values: AnyArray, where: str) -> AnyArray:
    if values.dtype == np.uint8 and values.ndim == 2 and values.shape[1] == KEY_BYTES:
        return np.ascontiguousarray(values)
    try:
        keys = [bytes.fromhex(str(value)) for value in values.tolist()]
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError
    except ValueError as error:
        raise ModelError(
            f"{where}: 'hash' must be BLAKE2b-256 of each image's file, 64 hexadecimal digits (`b2sum -l 256`)."
        ) from error
    return np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
