"""Columns of embeddings in Parquet, NumPy's and safetensors files.

All have the names `id`, `hash`, `projected` (or `features`), `pooled`, `text`, `text_projected`, `logit_scale` and
`logit_bias`. In Parquet a row is an image or a text, and both have their embedding in `projected`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray


@dataclass(frozen=True)
class Columns:
    """What a file holds, unchecked; see `EmbeddingTable`.

    Attributes:
        id: Names of images; empty if there are none.
        hash: uint8 (n, 32), or n hexadecimal strings.
        projected: Of images, (n, d).
        pooled: Of images, (n, d_pooled).
        text: Texts; empty if there are none.
        text_projected: Of texts, (m, d).
        logit_scale: As written.
        logit_bias: As written.
        by_stem: See `EmbeddingTable`.
        averaged: See `EmbeddingTable`.
    """

    id: Sequence[str]
    hash: AnyArray | None
    projected: AnyArray | None
    pooled: AnyArray | None
    text: Sequence[str]
    text_projected: AnyArray | None
    logit_scale: float | None = None
    logit_bias: float | None = None
    by_stem: bool = False
    averaged: bool = False


def from_arrays(arrays: Mapping[str, Any]) -> Columns:
    """Columns of one array each.

    Args:
        arrays: By name; strings may be lists, or arrays of str or bytes.
    """

    def number(name: str) -> float | None:
        return float(np.asarray(arrays[name]).reshape(())) if name in arrays else None

    projected = arrays.get("projected", arrays.get("features"))
    return Columns(
        id=strings(arrays.get("id", ())),
        hash=arrays.get("hash"),
        projected=None if projected is None else np.asarray(projected),
        pooled=arrays.get("pooled"),
        text=strings(arrays.get("text", ())),
        text_projected=arrays.get("text_projected"),
        logit_scale=number("logit_scale"),
        logit_bias=number("logit_bias"),
    )


def strings(values: Any) -> list[str]:
    """A list of str; of bytes, as HDF5 keeps them, their UTF-8."""
    return [value.decode() if isinstance(value, bytes) else str(value) for value in np.asarray(values).reshape(-1)]


def read_npz(files: Sequence[Path]) -> Columns:
    """Arrays of `numpy.savez`; pickled ones are refused, since they could run code."""
    with np.load(files[0], allow_pickle=False) as arrays:
        return from_arrays({name: arrays[name] for name in arrays.files})


def read_safetensors(files: Sequence[Path]) -> Columns:
    """Tensors, and in the metadata `id` and `text` as JSON lists, and numbers, since tensors hold no strings."""
    import torch
    from safetensors import safe_open

    with safe_open(files[0], framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
        metadata = file.metadata() or {}
    arrays = {name: (t.float() if t.dtype == torch.bfloat16 else t).numpy() for name, t in tensors.items()}
    wanted = ("id", "hash", "text", "logit_scale", "logit_bias")
    written = {name: json.loads(metadata[name]) for name in wanted if name in metadata}
    if "hash" in written:
        written["hash"] = np.asarray(written["hash"])
    return from_arrays({**written, **arrays})


def read_parquet(files: Sequence[Path]) -> Columns:
    """Rows of images have `id` or `hash`, those of texts have `text`; numbers are in the schema's metadata."""
    import pyarrow.parquet as pq

    known = pq.read_schema(files[0])
    wanted = ("id", "hash", "projected", "features", "pooled", "text")
    table = pq.read_table(files[0], columns=[name for name in wanted if name in known.names])
    metadata = {key.decode(): value.decode() for key, value in (known.metadata or {}).items() if b"logit_" in key}
    named = [table[name].to_pylist() for name in ("id", "hash") if name in table.column_names]
    texts = table["text"].to_pylist() if "text" in table.column_names else [None] * len(table)
    is_text = np.array([text is not None for text in texts], np.bool_)
    is_image = np.array([any(value is not None for value in row) for row in zip(*named, strict=True)], np.bool_)
    if not named:
        is_image = ~is_text
    if (is_text & is_image).any():
        row = int(np.argmax(is_text & is_image))
        raise ValueError(f"row {row} has 'text' as well as 'id' or 'hash'; each row is an image or a text")
    arrays: dict[str, Any] = {name: float(value) for name, value in metadata.items()}
    for name in ("id", "hash"):
        if name in table.column_names:
            arrays[name] = np.array(table[name].filter(is_image).to_pylist())
    for name in ("projected", "features", "pooled"):
        if name in table.column_names:
            arrays[name] = _matrix(table[name].filter(is_image))
    if is_text.any():
        space = "projected" if "projected" in table.column_names else "features"
        arrays |= {
            "text": [text for text in texts if text is not None],
            "text_projected": _matrix(table[space].filter(is_text)),
        }
    return from_arrays(arrays)


def _matrix(column: Any) -> AnyArray:
    """A column of lists of one length, fixed or not."""
    if column.null_count:
        raise ValueError("a row has no embedding")
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    if len(column) and len(flat) % len(column):
        raise ValueError("its rows are lists of different lengths")
    return np.asarray(flat).reshape(len(column), -1)
