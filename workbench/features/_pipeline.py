"""Encoded bytes to batches of features: threads read and decode ahead of the network, and fetch what it gives."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from workbench.arrays import AnyArray
from workbench.datasets.thumbnails import thumbnail, thumbnail_of_pixels
from workbench.errors import DataError
from workbench.features._protocols import ImageEncoder, ImageSource
from workbench.images import Features

if TYPE_CHECKING:
    from PIL.Image import Image
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

    Images are read and decoded by `workers` threads, and made batches of by one more, so that the thread that asks is
    free for the network. Leaving the context drops unfinished work.
    """
    from PIL import Image

    # Load the network here: threads that all find it missing would each load it.
    encoder.preprocess(Image.new("RGB", (8, 8)))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    stacker = ThreadPoolExecutor(1, thread_name_prefix="stack")
    stack = partial(_collect, pin=encoder.device.startswith("cuda"))

    def submitted() -> "Iterator[Future[Batch]]":
        for start in range(0, len(jobs), batch_size):
            some = jobs[start : start + batch_size]
            yield stacker.submit(stack, [(job, pool.submit(_prepare, job, source, encoder)) for job in some])

    def collected() -> Iterator[Batch]:
        coming = submitted()
        queue = deque(islice(coming, ahead))
        while queue:
            batch = queue.popleft().result()
            queue.extend(islice(coming, 1))
            yield batch

    try:
        yield collected()
    finally:
        pool.shutdown(cancel_futures=True)
        stacker.shutdown(cancel_futures=True)


@contextmanager
def computed(
    stream: Iterator[Batch], compute: "Callable[[Tensor], Features]", lanes: int
) -> Iterator[Iterator[tuple[Batch, Features | None]]]:
    """Send batches through a network, in order; None where a batch has no pixels.

    Args:
        stream: The batches.
        compute: The network.
        lanes: Number of batches under way at a time, each on a thread of its own: what goes to a device and comes back
            from it then takes none of its time. With 0 the thread that asks computes, and an interrupt need not wait
            for the end of a batch.
    """
    pool = ThreadPoolExecutor(max(1, lanes), thread_name_prefix="lane")

    def one_by_one() -> Iterator[tuple[Batch, Features | None]]:
        for batch in stream:
            yield batch, None if batch.pixels is None else compute(batch.pixels)

    def side_by_side() -> Iterator[tuple[Batch, Features | None]]:
        queue: deque[tuple[Batch, Future[Features] | None]] = deque()
        for batch in stream:
            queue.append((batch, None if batch.pixels is None else pool.submit(compute, batch.pixels)))
            if len(queue) > lanes:
                yield _fetched(*queue.popleft())
        while queue:
            yield _fetched(*queue.popleft())

    try:
        yield side_by_side() if lanes else one_by_one()
    finally:
        pool.shutdown(cancel_futures=True)


def _fetched(batch: Batch, features: "Future[Features] | None") -> tuple[Batch, Features | None]:
    return batch, None if features is None else features.result()


def _prepare(job: Job, source: ImageSource, encoder: ImageEncoder) -> "Prepared | Problem":
    transform = encoder.pixel_transform

    def by_reference(picture: "Image") -> "Prepared":
        return encoder.preprocess(picture), thumbnail(picture) if job.thumbnail else None

    def by_pixels(pixels: AnyArray, transform: "Callable[[AnyArray], Tensor]") -> "Prepared":
        return transform(pixels), thumbnail_of_pixels(pixels) if job.thumbnail else None

    if transform is None:
        return _tried(partial(source.with_picture, job.row, by_reference))
    return _tried(partial(source.with_pixels, job.row, partial(by_pixels, transform=transform)))


def _tried(read: "Callable[[], Prepared]") -> "Prepared | Problem":
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
    pairs: list[tuple[Tensor, Tensor]] = []
    for job in jobs[: 4 * needed]:
        if len(pairs) < needed:
            sample = replace(job, thumbnail=False)
            taken = _prepare(sample, source, encoder)
            reference = _tried(partial(source.with_picture, job.row, lambda image: (encoder.preprocess(image), None)))
            if not isinstance(taken, Problem) and not isinstance(reference, Problem):
                pairs.append((taken[0], reference[0]))
    if pairs:
        encoder.compare(_stacked([taken for taken, _ in pairs]), _stacked([reference for _, reference in pairs]))
