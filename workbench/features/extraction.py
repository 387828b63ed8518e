"""Compute the features that the store lacks: decode in threads while the network works."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.images import UnreadableImageError, decode_image
from workbench.errors import DataError, ModelError
from workbench.features._shards import ShardFolder
from workbench.features.store import FeatureStore
from workbench.tasks.images import Features

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

BATCH_SIZE = 64
_SHARD_ROWS = 1024
_SHARD_SECONDS = 30.0
_PREFETCH_BATCHES = 3

Progress = Callable[[int, int], None]


class ImageSource(Protocol):
    """Encoded images by row, as a `Dataset` has them."""

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32) content hashes; zeros where a file could not be read."""
        ...

    def ids(self, rows: AnyArray) -> list[str]:
        """Names, for messages."""
        ...

    def read(self, row: int) -> bytes:
        """Encoded bytes."""
        ...


class ImageEncoder(Protocol):
    """A model that turns preprocessed images into features."""

    name: str
    fingerprint: str
    precision: str

    @property
    def embed_dim(self) -> int:
        """Width of projected features."""
        ...

    @property
    def pooled_dim(self) -> int:
        """Width of pooled features."""
        ...

    def preprocess(self, image: "Image") -> "Tensor":
        """RGB image to float32 (3, h, w)."""
        ...

    def encode_images(self, pixels: "Tensor") -> Features:
        """(n, 3, h, w) to features."""
        ...


@dataclass(frozen=True)
class Extraction:
    """Features of rows, in their order.

    Attributes:
        features: Zero rows where an image is unreadable.
        readable: bool (n,).
        unreadable: (id, reason) of each unreadable image.
        computed: Images that went through the network or were found unreadable just now.
        corrupt_shards: Shards that failed their checksum, were moved aside and recomputed.
        seconds: Time spent computing; 0 when everything was stored.
    """

    features: Features
    readable: AnyArray
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    computed: int = 0
    corrupt_shards: list[str] = field(default_factory=list)
    seconds: float = 0.0


def extract(
    images: ImageSource,
    rows: AnyArray,
    encoder: ImageEncoder,
    store: FeatureStore,
    *,
    batch_size: int = BATCH_SIZE,
    workers: int = 0,
    progress: Progress | None = None,
) -> Extraction:
    """Features of the images at `rows`; only contents that the store lacks are computed.

    Args:
        images: Where encoded images come from.
        rows: int64 (n,).
        encoder: Not loaded unless something must be computed.
        store: Read first, then filled.
        batch_size: Images a forward pass.
        workers: Decoding threads; 0 means one per usable core.
        progress: Called with (done, total) of the images being computed.

    Raises:
        DataError: Features cannot be written; what was committed before is kept.
        ModelError: The network gave a value that is not finite; names the image and the precision.
    """
    rows = np.asarray(rows, dtype=np.int64)
    keys = images.hashes(rows)
    gone = ~keys.any(axis=1)
    shards = store.images(encoder)
    corrupt_before = len(shards.corrupt)
    found = shards.find(keys)
    while not shards.verify(found):
        found = shards.find(keys)
    computed, started = 0, time.perf_counter()
    todo = np.flatnonzero(found.missing & ~gone)
    if len(todo):
        _, first = np.unique(keys[todo], axis=0, return_index=True)
        todo = todo[np.sort(first)]
        computed = len(todo)
        _compute(images, rows[todo], keys[todo], encoder, shards, batch_size, workers or _cores(), progress)
        found = shards.find(keys)
        shards.verify(found)
    readable, reasons = shards.status(found)
    readable &= ~gone
    ids = images.ids(rows[~readable])
    why = ["the file cannot be read" if gone[i] else reasons[i] for i in np.flatnonzero(~readable)]
    return Extraction(
        features=Features(
            shards.take("pooled", found, encoder.pooled_dim), shards.take("projected", found, encoder.embed_dim)
        ),
        readable=readable,
        unreadable=list(zip(ids, why, strict=True)),
        computed=computed,
        corrupt_shards=shards.corrupt[corrupt_before:],
        seconds=time.perf_counter() - started if computed else 0.0,
    )


@dataclass
class _Pending:
    """Rows that wait for their shard."""

    keys: list[AnyArray] = field(default_factory=list)
    pooled: list[AnyArray] = field(default_factory=list)
    projected: list[AnyArray] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    rows: int = 0
    since: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        return self.rows >= _SHARD_ROWS or (self.rows > 0 and time.monotonic() - self.since > _SHARD_SECONDS)

    def commit(self, shards: ShardFolder) -> None:
        if self.rows:
            arrays = {"pooled": np.concatenate(self.pooled), "projected": np.concatenate(self.projected)}
            shards.append(np.concatenate(self.keys), arrays, self.reasons)


def _compute(
    images: ImageSource,
    rows: AnyArray,
    keys: AnyArray,
    encoder: ImageEncoder,
    shards: ShardFolder,
    batch_size: int,
    workers: int,
    progress: Progress | None,
) -> None:
    import torch

    def prepare(row: int) -> "Tensor | UnreadableImageError":
        try:
            return encoder.preprocess(decode_image(images.read(row)))
        except UnreadableImageError as error:
            return error
        except DataError as error:
            return UnreadableImageError(str(error))

    pending = _Pending()
    try:
        for start, batch in _batches(prepare, rows.tolist(), batch_size, workers):
            good = [i for i, item in enumerate(batch) if not isinstance(item, UnreadableImageError)]
            own_keys = keys[start : start + len(batch)]
            pooled = np.zeros((len(batch), encoder.pooled_dim), dtype=np.float32)
            projected = np.zeros((len(batch), encoder.embed_dim), dtype=np.float32)
            if good:
                found = encoder.encode_images(torch.stack([batch[i] for i in good]))  # type: ignore[misc]
                pooled[good], projected[good] = found.pooled, found.projected
                _check_finite(found, [images.ids(rows[start + np.array([i])])[0] for i in good], encoder)
            for i, item in enumerate(batch):
                if isinstance(item, UnreadableImageError):
                    pending.reasons[pending.rows + i] = str(item)
            pending.keys.append(own_keys)
            pending.pooled.append(pooled)
            pending.projected.append(projected)
            pending.rows += len(batch)
            if pending.due():
                pending.commit(shards)
                pending = _Pending()
            if progress is not None:
                progress(start + len(batch), len(rows))
    finally:
        pending.commit(shards)


def _batches(
    prepare: Callable[[int], "Tensor | UnreadableImageError"], rows: Sequence[int], batch_size: int, workers: int
) -> Iterator[tuple[int, list["Tensor | UnreadableImageError"]]]:
    """Prepared batches in order, a few of them ahead of the consumer."""
    starts = deque(range(0, len(rows), batch_size))
    ahead: deque[tuple[int, list[Future[Tensor | UnreadableImageError]]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        while starts or ahead:
            while starts and len(ahead) < _PREFETCH_BATCHES:
                start = starts.popleft()
                ahead.append((start, [pool.submit(prepare, row) for row in rows[start : start + batch_size]]))
            start, futures = ahead.popleft()
            yield start, [future.result() for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check_finite(features: Features, ids: Sequence[str], encoder: ImageEncoder) -> None:
    finite = np.isfinite(features.pooled).all(axis=1) & np.isfinite(features.projected).all(axis=1)
    if not finite.all():
        raise ModelError(
            f"model {encoder.name!r} at {encoder.precision}: features of {ids[int(np.argmin(finite))]} are not finite; "
            "try --precision fp32, and if that does not help the weights are damaged."
        )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
