"""Encoded bytes to preprocessed batches, read and decoded by threads ahead of the network."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from workbench.arrays import AnyArray
from workbench.datasets.thumbnails import thumbnail
from workbench.errors import DataError
from workbench.features._protocols import ImageEncoder, ImageSource

if TYPE_CHECKING:
    from torch import Tensor

    Prepared = tuple[Tensor, AnyArray | None]


@dataclass(frozen=True)
class Job:
    """One image to compute: its row in the dataset, what it is stored under, and whether its thumbnail is wanted."""

    row: int
    key: bytes
    thumbnail: bool = False


@dataclass(frozen=True)
class Problem:
    """Why there are no pixels. `lasting` problems lie in the bytes themselves and are worth remembering."""

    reason: str
    lasting: bool


@dataclass(frozen=True)
class Batch:
    """Jobs in order; `pixels` (n, 3, h, w) holds those without a problem, None if there are none.

    `thumbnails`, uint8 (256,), are by key.
    """

    jobs: Sequence[Job]
    problems: dict[int, Problem]
    pixels: "Tensor | None"
    thumbnails: Mapping[bytes, AnyArray]


@contextmanager
def batches(
    jobs: Sequence[Job],
    source: ImageSource,
    encoder: ImageEncoder,
    *,
    batch_size: int,
    workers: int,
    ahead: int,
) -> Iterator[Iterator[Batch]]:
    """Prepare jobs in order, at most `ahead` batches before they are asked for.

    Leaving the context drops unfinished work.
    """
    from PIL import Image

    # Load the network here: threads that all find it missing would each load it.
    encoder.preprocess(Image.new("RGB", (8, 8)))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def submitted() -> Iterator[list[tuple[Job, "Future[Prepared | Problem]"]]]:
        for start in range(0, len(jobs), batch_size):
            yield [(job, pool.submit(_prepare, job, source, encoder)) for job in jobs[start : start + batch_size]]

    def collected() -> Iterator[Batch]:
        coming = submitted()
        queue = deque(islice(coming, ahead))
        while queue:
            batch = _collect(queue.popleft(), pin=encoder.device.startswith("cuda"))
            queue.extend(islice(coming, 1))
            yield batch

    try:
        yield collected()
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(job: Job, source: ImageSource, encoder: ImageEncoder) -> "Prepared | Problem":
    from workbench.datasets.unreadable import UnreadableImageError

    try:
        return source.with_picture(
            job.row, lambda image: (encoder.preprocess(image), thumbnail(image) if job.thumbnail else None)
        )
    except UnreadableImageError as error:
        return Problem(str(error), lasting=True)
    except (OSError, DataError) as error:
        return Problem(str(error), lasting=False)


def _collect(items: "Sequence[tuple[Job, Future[Prepared | Problem]]]", *, pin: bool) -> Batch:
    import torch

    jobs, results = [job for job, _ in items], [future.result() for _, future in items]
    problems = {i: result for i, result in enumerate(results) if isinstance(result, Problem)}
    prepared = [(job, result) for job, result in zip(jobs, results, strict=True) if not isinstance(result, Problem)]
    thumbnails = {job.key: small for job, (_, small) in prepared if small is not None}
    if not prepared:
        return Batch(jobs, problems, None, thumbnails)
    pixels = torch.stack([tensor for _, (tensor, _) in prepared])
    return Batch(jobs, problems, pixels.pin_memory() if pin else pixels, thumbnails)
