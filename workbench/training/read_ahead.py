"""Prepare the items of coming batches in threads while the present one is used."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from workbench.cores import usable_cores

_AHEAD = 2

S = TypeVar("S")
T = TypeVar("T")


def read_ahead(prepare: Callable[[S], T], batches: Iterable[Sequence[S]]) -> Generator[list[T], None, None]:
    """Yield `[prepare(item) for item in batch]` of each batch in order, two batches being prepared beforehand.

    An exception of `prepare` is raised where its batch is due; closing the iterator drops what is not begun.
    """
    pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="pixels")
    coming: Iterator[list[Future[T]]] = ([pool.submit(prepare, item) for item in batch] for batch in batches)
    try:
        queue = deque(islice(coming, _AHEAD))
        while queue:
            ready = [future.result() for future in queue.popleft()]
            queue.extend(islice(coming, 1))
            yield ready
    finally:
        pool.shutdown(cancel_futures=True)
