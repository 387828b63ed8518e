"""Time and memory of the search for near pairs, on planted thumbnails, against comparing all with all.

Prints the table of docs/splits.md, and asserts nothing. The last size takes some minutes:

    OMP_NUM_THREADS=1 python tests/performance/bench_near_pairs.py 10000 100000 1000000
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.datasets.planted_thumbnails import copied, thumbnails
from workbench.datasets._near_pairs import _standardised, near_pairs

_SHARE = 2048
"""Images that are compared with all others by force; what all would take is extrapolated."""


def main(counts: list[int]) -> None:
    """Measure each size, smallest first: memory is that of the process at its largest."""
    print("| images | copies planted | near pairs | seconds | by force, seconds | peak memory of the process |")
    print("|---|---|---|---|---|---|")
    for count in sorted(counts):
        originals = thumbnails(count - count // 10)
        images = np.concatenate([originals, copied(originals[: count // 10])])
        began = time.perf_counter()
        pairs = sum(len(i) for i, _, _ in near_pairs(images, 0.99))
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        forced = by_force(images)
        row = f"{count:,} | {count // 10:,} | {pairs:,} | {seconds:.1f} | {forced:.0f} | {peak:.2f} GiB"
        print(f"| {row} |", flush=True)


def by_force(images: np.ndarray) -> float:
    """Seconds that comparing all with all would take, half of the pairs being the mirror of the other half."""
    standardised = _standardised(images)
    some = standardised[:_SHARE]
    began = time.perf_counter()
    for start in range(0, len(images), 16_384):
        np.count_nonzero(some @ standardised[start : start + 16_384].T >= 0.99)
    return (time.perf_counter() - began) * len(images) / _SHARE / 2


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or [10_000, 100_000])
