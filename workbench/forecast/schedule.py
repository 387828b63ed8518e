"""How long a plan takes with several workers, as executors hand it out."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Cell = tuple[str, str]
"""Dataset and model argument."""


@dataclass(frozen=True)
class Load:
    """The work on one dataset with one model, in seconds.

    Attributes:
        features: Computing features, which comes before the batches.
        batches: Each batch.
        start: What each worker takes before it computes features: loading the model.
        blocks: Blocks of images that the features can be shared out in.
    """

    features: float
    batches: Sequence[float]
    start: float = 0.0
    blocks: int = 1


def wall_seconds(loads: Mapping[Cell, Load], workers: int, *, whole_cells: bool = False, most: float = 0.0) -> float:
    """Time until all is done, each worker taking what is next whenever it is free.

    Args:
        loads: The work.
        workers: How many at a time.
        whole_cells: A cell is one task, as in a queue; otherwise its features are shared out, and then its batches.
        most: What the machine's cores cannot do faster, whatever the number of workers.
    """
    if workers <= 1:
        return sum(load.start + load.features + sum(load.batches) for load in loads.values())
    free = [0.0] * workers

    def do(seconds: float, since: float = 0.0) -> float:
        """The first who is free does it; the time when it is done."""
        end = max(heapq.heappop(free), since) + seconds
        heapq.heappush(free, end)
        return end

    ready: list[tuple[float, float]] = []
    end = 0.0
    for load in loads.values():
        if whole_cells or (load.blocks == len(load.batches) == 1):
            end = max(end, do(load.start + load.features + sum(load.batches)))
            continue
        pieces = min(workers, load.blocks)
        since = max(do(load.start + load.features / pieces) for _ in range(pieces))
        ready += [(since, batch) for batch in load.batches]
    return max(end, most, *(do(seconds, since) for since, seconds in ready))


def extrapolate(sizes: Sequence[float], seconds: Sequence[float], size: float) -> float:
    """Time at a size, on the line through the last two measured; never less than at the largest.

    Args:
        sizes: At least one, ascending.
        seconds: Measured at each.
        size: At least the largest.
    """
    if len(sizes) == 1 or sizes[-1] == sizes[-2]:
        return seconds[-1] * size / sizes[-1]
    slope = (seconds[-1] - seconds[-2]) / (sizes[-1] - sizes[-2])
    return seconds[-1] + max(0.0, slope) * (size - sizes[-1])
