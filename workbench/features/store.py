"""The feature store: image and text features, once for each model and content, shared by all runs.

Layout: `CACHE/features/FINGERPRINT/{VIEW,text}/*.safetensors`, and `model.json` that says whose features they are.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.features._shards import KEY_BYTES, ShardFolder


class EncoderIdentity(Protocol):
    """What the store must know of a model."""

    name: str
    fingerprint: str
    precision: str


class FeatureStore:
    """Features below one cache folder.

    Args:
        cache: The workbench's cache folder.
    """

    def __init__(self, cache: Path) -> None:
        self.root = cache / "features"
        self._open: dict[tuple[str, str], ShardFolder] = {}

    def images(self, encoder: EncoderIdentity, view: str = "eval") -> ShardFolder:
        """Shards of a model's image features (`pooled`, `projected`), keyed by content hash.

        Args:
            encoder: The model.
            view: How the image was presented to it; `eval` is the model's own preprocessing.
        """
        return self._shards(encoder, view, ("pooled", "projected"))

    def texts(self, encoder: EncoderIdentity) -> ShardFolder:
        """Shards of a model's text features (`projected`), keyed by `text_keys`."""
        return self._shards(encoder, "text", ("projected",))

    def _shards(self, encoder: EncoderIdentity, view: str, names: Sequence[str]) -> ShardFolder:
        key = (encoder.fingerprint, view)
        if key not in self._open:
            folder = self.root / encoder.fingerprint
            self._describe(folder, encoder)
            self._open[key] = ShardFolder(folder / view, names)
        return self._open[key]

    def _describe(self, folder: Path, encoder: EncoderIdentity) -> None:
        about = folder / "model.json"
        if not about.exists():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".model.json.{os.getpid()}"
            temporary.write_text(json.dumps({"model": encoder.name, "precision": encoder.precision}), encoding="utf-8")
            os.replace(temporary, about)  # noqa: PTH105 - the atomic step, named as such
        os.utime(about)  # The time of last use, which `prune` goes by.


def text_keys(texts: Sequence[str]) -> AnyArray:
    """uint8 (n, 32) keys of texts."""
    digests = [hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, KEY_BYTES)


@dataclass(frozen=True)
class Usage:
    """One model's part of the store.

    Attributes:
        fingerprint: Of the model.
        model: Its name.
        precision: Its precision.
        bytes: Size on disk.
        shards: Number of shards.
        last_used: Seconds since the epoch.
    """

    fingerprint: str
    model: str
    precision: str
    bytes: int
    shards: int
    last_used: float


def usage(cache: Path) -> list[Usage]:
    """What the store holds, largest first."""
    found = []
    root = cache / "features"
    for folder in root.iterdir() if root.is_dir() else ():
        about = folder / "model.json"
        if not about.is_file():
            continue
        described = json.loads(about.read_text(encoding="utf-8"))
        files = [path for path in folder.rglob("*") if path.is_file()]
        found.append(
            Usage(
                fingerprint=folder.name,
                model=described["model"],
                precision=described["precision"],
                bytes=sum(path.stat().st_size for path in files),
                shards=sum(path.suffix == ".safetensors" for path in files),
                last_used=about.stat().st_mtime,
            )
        )
    return sorted(found, key=lambda entry: -entry.bytes)


def prune(
    cache: Path, *, model: str | None = None, older_than_days: float | None = None, dry_run: bool = False
) -> list[Usage]:
    """Delete features by model, by age, or all of them.

    Args:
        cache: The workbench's cache folder.
        model: Only this model's.
        older_than_days: Only what was last used longer ago.
        dry_run: Delete nothing.

    Returns:
        What was, or would be, deleted.
    """
    limit = time.time() - (older_than_days or 0) * 86400
    chosen = [entry for entry in usage(cache) if (model is None or entry.model == model) and entry.last_used <= limit]
    for entry in chosen:
        if not dry_run:
            shutil.rmtree(cache / "features" / entry.fingerprint, ignore_errors=True)
    return chosen


def encode_texts_cached(shards: ShardFolder, texts: Sequence[str], encode: "TextEncoder", width: int) -> FloatArray:
    """Text features, those not stored computed and committed.

    Args:
        shards: The model's text shards.
        texts: Any texts; doubles are computed once.
        encode: Computes float32 (n, width) features.
        width: Width of the joint space.
    """
    keys = text_keys(texts)
    found = shards.find(keys)
    while not shards.verify(found):
        found = shards.find(keys)
    todo = {texts[i]: i for i in np.flatnonzero(found.missing)}
    if todo:
        shards.append(keys[list(todo.values())], {"projected": encode(list(todo))})
        found = shards.find(keys)
        shards.verify(found)
    return shards.take("projected", found, width)


class TextEncoder(Protocol):
    """Texts to float32 (n, width)."""

    def __call__(self, texts: Sequence[str], /) -> FloatArray:
        """Encode."""
        ...
