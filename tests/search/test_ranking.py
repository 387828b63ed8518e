import numpy as np
import pytest

from workbench.errors import DataError
from workbench.search import top_rows


def blocks(rows, size):
    return [(start, rows[start : start + size]) for start in range(0, len(rows), size)]


def naive(query, rows, k):
    scored = [(-float(row @ query), i) for i, row in enumerate(rows) if np.isfinite(row).all()]
    return [i for _, i in sorted(scored)[:k]]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("k", [1, 5, 200])
def test_equals_sorting_everything(size, k):
    rng = np.random.default_rng(0)
    # Small integers: many scores tie, and every product is exact.
    rows = rng.integers(-3, 4, (120, 4)).astype(np.float32)
    queries = rng.integers(-3, 4, (3, 4)).astype(np.float32)
    positions, scores = top_rows(queries, blocks(rows, size), k)
    for query, found, own in zip(queries, positions, scores, strict=True):
        assert found.tolist() == naive(query, rows, k)
        np.testing.assert_array_equal(own, rows[found] @ query)


def test_rows_that_are_not_finite_are_never_found():
    rows = np.eye(4, dtype=np.float32)
    rows[1, 0], rows[2, 2] = np.nan, np.inf
    positions, _ = top_rows(np.ones((1, 4), np.float32), blocks(rows, 2), 10)
    assert positions[0].tolist() == [0, 3]


def test_nothing_to_search():
    positions, scores = top_rows(np.ones((2, 4), np.float32), [], 3)
    assert [len(each) for each in (*positions, *scores)] == [0, 0, 0, 0]


def test_a_query_with_nan_is_refused():
    with pytest.raises(DataError, match="NaN"):
        top_rows(np.full((1, 4), np.nan, np.float32), blocks(np.eye(4, dtype=np.float32), 2), 1)
