"""Encoded bytes to preprocessed batches, read and decoded by threads ahead of the network."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from workbench.arrays import AnyArray
from workbench.datasets.thumbnails import thumbnail
from workbench.errors import DataError
from workbench.features._protocols import ImageEncoder, ImageSource

if TYPE_CHECKING:
    from torch import Tensor

    Prepared = tuple[Tensor, AnyArray | None]

T = TypeVar("T")


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
    """Pixels of one image, float32 (3, h, w), or uint8 (h, w, 3) where the encoder takes these; and its thumbnail."""
    from PIL import Image

    transform = encoder.pixel_transform
    if transform is None:
        return _tried(
            lambda: source.with_picture(
                job.row, lambda image: (encoder.preprocess(image), thumbnail(image) if job.thumbnail else None)
            )
        )
    return _tried(
        lambda: source.with_pixels(
            job.row,
            lambda pixels: (transform(pixels), thumbnail(Image.fromarray(pixels)) if job.thumbnail else None),
        )
    )


def _tried(read: "Callable[[], T]") -> "T | Problem":
    from workbench.datasets.unreadable import UnreadableImageError

    try:
        return read()
    except UnreadableImageError as error:
        return Problem(str(error), lasting=True)
    except (OSError, DataError) as error:
        return Problem(str(error), lasting=False)


def _collect(items: "Sequence[tuple[Job, Future[Prepared | Problem]]]", *, pin: bool) -> Batch:
    jobs, results = [job for job, _ in items], [future.result() for _, future in items]
    problems = {i: result for i, result in enumerate(results) if isinstance(result, Problem)}
    prepared = [(job, result) for job, result in zip(jobs, results, strict=True) if not isinstance(result, Problem)]
    thumbnails = {job.key: small for job, (_, small) in prepared if small is not None}
    if not prepared:
        return Batch(jobs, problems, None, thumbnails)
    pixels = _stacked([tensor for _, (tensor, _) in prepared])
    return Batch(jobs, problems, pixels.pin_memory() if pin else pixels, thumbnails)


def _stacked(images: "Sequence[Tensor]") -> "Tensor":
    """A batch (n, 3, h, w); 8-bit pixels stay in the order in which they lie in memory, channels last."""
    import torch

    batch = torch.stack(list(images))
    return batch.permute(0, 3, 1, 2) if batch.dtype == torch.uint8 else batch


def compare_samples(jobs: Sequence[Job], source: ImageSource, encoder: ImageEncoder) -> None:
    """Show an encoder the first readable images as it takes them and by its own transform, if it asks for that."""
    needed = encoder.samples_needed
    taken: list[Tensor] = []
    by_reference: list[Tensor] = []
    for job in jobs[: 4 * needed]:
        if len(taken) < needed:
            prepared = _prepare(job, source, encoder)
            reference = _tried(partial(source.with_picture, job.row, encoder.preprocess))
            if not isinstance(prepared, Problem) and not isinstance(reference, Problem):
                taken.append(prepared[0])
                by_reference.append(reference)
    if taken:
        encoder.compare(_stacked(taken), _stacked(by_reference))
