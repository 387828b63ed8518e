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
        features: Loading the model and computing features, which one worker does before the batches.
        batches: Each batch.
    """

    features: float
    batches: Sequence[float]


def wall_seconds(loads: Mapping[Cell, Load], workers: int, *, whole_cells: bool = False, most: float = 0.0) -> float:
    """Time until all is done, each worker taking what is next whenever it is free.

    Args:
        loads: The work.
        workers: How many at a time.
        whole_cells: A cell is one task, as in a queue; otherwise its batches are handed out one by one.
        most: What the machine's cores cannot do faster, whatever the number of workers.
    """
    if workers <= 1:
        return sum(load.features + sum(load.batches) for load in loads.values())
    free = [0.0] * workers
    heapq.heapify(free)
    end = 0.0
    ready: list[tuple[float, float]] = []
    for load in loads.values():
        begin = heapq.heappop(free)
        seconds = load.features + (sum(load.batches) if whole_cells or len(load.batches) == 1 else 0.0)
        heapq.heappush(free, begin + seconds)
        end = max(end, begin + seconds)
        if not whole_cells and len(load.batches) > 1:
            ready += [(begin + seconds, batch) for batch in load.batches]
    for since, seconds in ready:
        begin = max(heapq.heappop(free), since)
        heapq.heappush(free, begin + seconds)
        end = max(end, begin + seconds)
    return max(end, most)


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
