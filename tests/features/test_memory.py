"""A store of any size is looked up and gone through without being loaded: memory is that of its keys."""

import tracemalloc
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray
from workbench.features._table import FeatureTable

WIDTHS = {"pooled": 128, "projected": 64}
ROW_BYTES = 4 * sum(WIDTHS.values())
CHUNK = 500


def planted(folder: Path, n: int) -> AnyArray:
    rng = np.random.default_rng(n)
    keys = rng.integers(0, 256, (n, 32), dtype=np.uint8)
    table = FeatureTable(folder, WIDTHS)
    for start in range(0, n, n // 10):
        part = keys[start : start + n // 10]
        # A row says which it is.
        numbers = np.arange(start, start + len(part), dtype=np.float32)[:, None]
        table.commit(part, {name: np.repeat(numbers, width, axis=1) for name, width in WIDTHS.items()})
    return keys


def peak_of_a_pass(folder: Path, keys: AnyArray) -> int:
    """Bytes at the peak of opening a store and reading all of it, chunk by chunk."""
    tracemalloc.start()
    table = FeatureTable(folder, WIDTHS)
    for start in range(0, len(keys), CHUNK):
        rows = table.gather(table.find(keys[start : start + CHUNK]), "projected")
        assert rows[0, 0] == start
        assert rows[-1, -1] == start + len(rows) - 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_grows_with_keys_and_not_with_features(tmp_path: Path) -> None:
    stores = {n: (tmp_path / str(n), planted(tmp_path / str(n), n)) for n in (3_000, 30_000)}
    peak_of_a_pass(*stores[3_000])  # What is imported once counts for neither.
    small, large = (peak_of_a_pass(*store) for store in stores.values())
    assert large - small < 100 * 27_000  # Of 768 bytes a row.
    assert large < 0.2 * ROW_BYTES * 30_000
