"""Features of a dataset's images: from the store where they are, computed and stored where they are not."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.cores import usable_cores
from workbench.errors import ModelError, WorkbenchError
from workbench.features._files import CacheError
from workbench.features._pipeline import Batch, Job, batches, compare_samples, computed
from workbench.features._protocols import ImageEncoder, ImageSource
from workbench.features._shard import KEY_BYTES
from workbench.features._writer import Writer
from workbench.features.given import take_given
from workbench.features.rehearsal import rehearsal
from workbench.features.store import FeatureStore
from workbench.features.views import EVAL
from workbench.formatting import counted
from workbench.images import Features
from workbench.models.embeddings import EmbeddingsEncoder
from workbench.outputs import OutputError, check_room

if TYPE_CHECKING:
    from torch import Tensor

_ADVICE = (
    "Free some (workbench cache prune), or set WORKBENCH_CACHE to a folder that you may write and that has room; what "
    "is there is kept."
)
_AHEAD = 4
"""Batches that are read and decoded before they are asked for: neither they nor the network always take as long."""
Progress = Callable[[int, int], None]
"""Called with (images done, images to compute)."""


@dataclass(frozen=True)
class Extraction:
    """Features of n images, and where they came from.

    Attributes:
        features: n rows; NaN where an image is unreadable, so that using one by mistake cannot go unseen.
        readable: bool (n,).
        computed: Different contents that went through the network.
        unreadable: Name and reason of each row without features.
        corrupt_shards: Damaged files, where they were moved aside to; their rows were computed again.
        seconds: Time spent on reading, decoding, computing and storing missing features.
    """

    features: Features
    readable: BoolArray
    computed: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    corrupt_shards: list[str] = field(default_factory=list)
    seconds: float = 0.0


def extract(
    dataset: ImageSource,
    rows: Sequence[int] | AnyArray,
    encoder: ImageEncoder,
    store: FeatureStore,
    *,
    view: str = EVAL,
    batch_size: int = 0,
    workers: int = 0,
    thumbnails: bool = False,
    progress: Progress | None = None,
) -> Extraction:
    """Features of images, in the order of `rows`.

    Each content is computed once, however many rows have it. When nothing is missing, nothing is decoded and the
    model is not loaded. Within `rehearsing` nothing is computed at all. Of a file of embeddings, images that it does
    not list are unreadable.

    Args:
        dataset: Gives hashes and encoded bytes.
        rows: n rows of the dataset.
        encoder: The model.
        store: The feature store.
        view: `eval`; for `Regions` their context.
        batch_size: Images per forward pass; 0 takes what suits the device and its memory.
        workers: Threads that read and decode; 0 takes one per usable core.
        thumbnails: Store thumbnails of the images that are decoded, too.
        progress: Called with (done, total) images; not called when nothing is missing.

    Raises:
        CacheError: The store cannot be written; earlier commits stay.
        ModelError: The model gives features that are not finite, zero, or the same for images that differ; what was
            computed before stays.
        WorkbenchError: There is no such view.
    """
    index = np.asarray(rows, dtype=np.int64)
    keys = np.ascontiguousarray(dataset.hashes(index), dtype=np.uint8).reshape(-1, KEY_BYTES)
    table = store.images(encoder, view)
    moved = len(table.corrupt)
    located = table.find(keys)

    # A row of zeros is the hash of nothing: its image could not be read when the dataset was listed.
    missing = ~located.found & keys.any(axis=1)
    jobs = _jobs(index, keys, missing)
    problems: dict[bytes, str] = {}
    if jobs and isinstance(encoder, EmbeddingsEncoder):  # Within `rehearsing`, too: it costs next to nothing.
        problems, jobs = take_given(jobs, dataset, encoder, store, view), []
        located = table.find(keys)
        missing &= False
    motions = rehearsal()
    if motions is not None:
        motions.note_images(encoder.fingerprint, view, dataset, jobs, keys, located.found)
        jobs = []
    if jobs and thumbnails:
        made = store.thumbnails().find(
            np.frombuffer(b"".join(job.key for job in jobs), np.uint8).reshape(-1, KEY_BYTES)
        )
        jobs = [replace(job, thumbnail=not done) for job, done in zip(jobs, made.found.tolist(), strict=True)]
    began = time.perf_counter()
    if jobs:
        size = len(jobs) * (4 * sum(table.widths.values()) + KEY_BYTES + 1)
        try:
            check_room(table.folder, size, f"features of {counted(len(jobs), 'image')}", _ADVICE)
        except OutputError as error:
            raise CacheError(str(error)) from error
        problems |= _compute(jobs, dataset, encoder, store, view, batch_size, workers, progress)
        located = table.find(keys)
    seconds = time.perf_counter() - began if jobs else 0.0

    readable = stored = table.readable(located)
    columns = {name: table.gather(located, name) for name in table.widths}
    if motions is not None:
        columns = {name: motions.stand_in(column, stored, keys) for name, column in columns.items()}
        readable = stored | missing
    tombstones = table.reasons(located)
    unreadable = {
        int(i): tombstones.get(int(i)) or problems.get(keys[i].tobytes()) or _why_unlisted(dataset, index[i], keys[i])
        for i in np.flatnonzero(~readable)
    }
    lost = [i for i, reason in unreadable.items() if not reason]
    if lost:
        raise CacheError(
            f"{table.folder}: {len(lost)} features that were just written cannot be read back; check the disk, or set "
            f"WORKBENCH_CACHE to another folder."
        )
    names = dataset.ids(index[list(unreadable)])
    return Extraction(
        features=Features(columns["pooled"], columns["projected"]),
        readable=readable,
        computed=max(0, len(jobs) - len(problems)),
        unreadable=list(zip(names, unreadable.values(), strict=True)),
        corrupt_shards=[str(path) for path in table.corrupt[moved:]],
        seconds=seconds,
    )


def _jobs(rows: AnyArray, keys: AnyArray, missing: BoolArray) -> list[Job]:
    """Missing contents, each once, in the order in which they are first met."""
    first: dict[bytes, int] = {}
    for i in np.flatnonzero(missing):
        first.setdefault(keys[i].tobytes(), int(rows[i]))
    return [Job(row, key) for key, row in first.items()]


def _compute(
    jobs: list[Job],
    dataset: ImageSource,
    encoder: ImageEncoder,
    store: FeatureStore,
    view: str,
    batch_size: int,
    workers: int,
    progress: Progress | None,
) -> dict[bytes, str]:
    """Compute and store; returns why contents have no features, by key."""
    # What computes elsewhere leaves the processor to decode.
    beside = encoder.device != "cpu"
    reasons: dict[bytes, str] = {}
    done = 0
    compare_samples(jobs, dataset, encoder)
    if progress is not None:
        progress(0, len(jobs))
    with (
        Writer(store.images(encoder, view), store.shard_rows, store.shard_seconds) as writer,
        Writer(store.thumbnails(), store.shard_rows, store.shard_seconds) as small,
        batches(
            jobs,
            dataset,
            encoder,
            batch_size=batch_size or encoder.batch_size,
            workers=workers or usable_cores(),
            ahead=_AHEAD,
        ) as stream,
        computed(stream, encoder.encode_images, lanes=2 if beside else 0) as results,
    ):
        for batch, found in results:
            _keep(batch, found, encoder, dataset, writer)
            if batch.thumbnails:
                small.add(list(batch.thumbnails), {"grey": np.stack(list(batch.thumbnails.values()))})
            reasons |= {batch.jobs[i].key: problem.reason for i, problem in batch.problems.items()}
            done += len(batch.jobs)
            if progress is not None:
                progress(done, len(jobs))
    return reasons


def _keep(batch: Batch, features: Features | None, encoder: ImageEncoder, dataset: ImageSource, writer: Writer) -> None:
    writer.add_tombstones(
        [(batch.jobs[i].key, problem.reason) for i, problem in batch.problems.items() if problem.lasting]
    )
    if features is None or batch.pixels is None:
        return
    jobs = [job for i, job in enumerate(batch.jobs) if i not in batch.problems]
    _check_not_constant(encoder, features, batch.pixels)
    finite = np.isfinite(features.pooled).all(axis=1) & np.isfinite(features.projected).all(axis=1)
    good = np.flatnonzero(finite)
    writer.add([jobs[i].key for i in good], {"pooled": features.pooled[good], "projected": features.projected[good]})
    if not finite.all():
        (name,) = dataset.ids(np.array([jobs[int(np.argmin(finite))].row]))
        advice = "its weights are damaged" if encoder.precision == "fp32" else "try --precision fp32"
        raise ModelError(
            f"{encoder.name}: {(~finite).sum()} of {len(jobs)} images, {name!r} first, give features with NaN or "
            f"infinity at precision {encoder.precision}; {advice}."
        )


def _check_not_constant(encoder: ImageEncoder, features: Features, pixels: "Tensor") -> None:
    """Refuse features that say nothing: zeros, or the same for pictures that differ."""
    projected = features.projected
    same = len(projected) > 1 and bool((projected == projected[0]).all()) and bool((pixels != pixels[0]).any())
    if same or not projected.any(axis=1).all():
        what = "the same for different images" if same else "zero"
        raise ModelError(
            f"{encoder.name}: its image features are {what}; its weights are damaged, or were never loaded."
        )


def _why_unlisted(dataset: ImageSource, row: int, key: AnyArray) -> str:
    """Why an image has no hash; empty if it has one."""
    if key.any():
        return ""
    try:
        dataset.read(int(row))
    except (OSError, WorkbenchError) as error:
        return str(error)
    return "could not be read when the dataset was listed, but now it can; run again"
