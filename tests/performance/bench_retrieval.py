"""Retrieval metrics blockwise against the machine's bare matrix product.

    pytest tests/performance/bench_retrieval.py -m performance -s
    QUERIES=20000 GALLERY=1000000 pytest ...            # a fiftieth of a million queries

A million queries against a million items of 256 dimensions are the same blocks again and again; a few thousand queries
against the whole gallery stand for them. Prints the rates, their ratio and the memory beyond the features; asserts
nothing.
"""

import os
import resource
import time
from functools import partial

import numpy as np
import pytest

from workbench.metrics import functional as F

QUERIES = int(os.environ.get("QUERIES", "2048"))
GALLERY = int(os.environ.get("GALLERY", "200000"))
DIMENSIONS = 256
ROUNDS = 5


def unit(rows, seed):
    found = np.random.default_rng(seed).standard_normal((rows, DIMENSIONS), dtype=np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def timed(work, operations):
    """Operations a second of wall time and of processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return np.array([operations / (time.perf_counter() - wall), operations / (time.process_time() - processor)])


def products(left, right, out, times):
    for _ in range(times):
        np.matmul(left, right.T, out=out)


@pytest.mark.performance
def test_blockwise_ranks():
    gallery, queries = unit(GALLERY, 0), unit(QUERIES, 1)
    left, right = unit(2048, 2), gallery[:8192]
    out = np.empty((len(left), len(right)), dtype=np.float32)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    bare, ours = [], []
    # In turns, since others may use the machine.
    for part in np.array_split(np.arange(QUERIES), ROUNDS):
        pairs = np.column_stack([np.arange(len(part)), np.random.default_rng(3).integers(0, GALLERY, len(part))])
        repeat = max(1, len(part) * GALLERY // out.size)
        product = partial(products, left, right, out, repeat)
        product()
        bare.append(timed(product, 2.0 * out.size * DIMENSIONS * repeat))
        ranks = partial(F.rank_positives, queries[part], gallery, pairs)
        ours.append(timed(ranks, 2.0 * len(part) * GALLERY * DIMENSIONS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rate, processor = np.median(ours, axis=0) / 1e9
    ratio = np.median(np.array(ours) / np.array(bare), axis=0)
    hours = 2.0 * 1e6 * 1e6 * DIMENSIONS / (rate * 1e9) / 3600
    features = 2 * 1e6 * DIMENSIONS * 4 / 2**30
    print(
        f"\n{QUERIES} x {GALLERY} x {DIMENSIONS}: {rate:.1f} GFLOP/s of wall time, {processor:.1f} of processor time; "
        f"of the bare product's {ratio[0]:.2f} and {ratio[1]:.2f} (medians of {ROUNDS}). {peak - held:.3f} GiB beyond "
        f"the features, {peak:.2f} GiB in all. A million by a million: {hours:.1f} h, {features:.1f} GiB of features."
    )
