import numpy as np
import pytest
import sklearn.metrics as sk

from workbench.arrays import normalise
from workbench.metrics import functional as F
from workbench.metrics.functional import retrieval


def problem(n=60, m=90, d=16, seed=0, share=0.04):
    rng = np.random.default_rng(seed)
    queries, gallery = (normalise(rng.normal(size=(k, d))) for k in (n, m))
    relevant = rng.random((n, m)) < share
    relevant[0], relevant[1] = False, rng.random(m) < 0.3
    return queries, gallery, relevant


def naive(queries, gallery, relevant):
    """Ranks of the right items by sorting the whole score matrix."""
    for q, row in enumerate(relevant):
        order = np.argsort(-(queries[q] @ gallery.T))
        for rank, item in enumerate(order, start=1):
            if row[item]:
                yield q, rank


@pytest.mark.parametrize("block", [(256, 8192), (7, 13)], ids=["one block", "small blocks"])
@pytest.mark.parametrize("max_bytes", [64 << 20, 1])
def test_ranks_agree_with_a_full_sort(monkeypatch, block, max_bytes):
    monkeypatch.setattr(retrieval, "_QUERY_ROWS", block[0])
    monkeypatch.setattr(retrieval, "_GALLERY_ROWS", block[1])
    queries, gallery, relevant = problem()
    ranks = F.rank_positives(queries, gallery, np.argwhere(relevant)[::-1], max_bytes=max_bytes)
    assert list(zip(ranks.query, ranks.rank, strict=True)) == list(naive(queries, gallery, relevant))
    np.testing.assert_array_equal(ranks.queries, np.flatnonzero(relevant.any(axis=1)))


def test_average_precision_and_ndcg_agree_with_scikit_learn():
    queries, gallery, relevant = problem()
    ranks = F.rank_positives(queries, gallery, np.argwhere(relevant))
    scores = queries @ gallery.T
    ap = [sk.average_precision_score(relevant[q], scores[q]) for q in ranks.queries]
    ndcg = [sk.ndcg_score(relevant[[q]], scores[[q]]) for q in ranks.queries]
    np.testing.assert_allclose(ranks.average_precision(), ap, rtol=1e-6)
    np.testing.assert_allclose(ranks.ndcg(), ndcg, rtol=1e-6)


@pytest.mark.parametrize("positives", [1, 12], ids=["counted", "sorted"])
def test_ties_are_pessimistic(positives):
    # Every image at one point: a right item must not profit from its place in the array.
    gallery = np.tile(normalise(np.ones((1, 5))), (40, 1))
    pairs = np.array([(0, k) for k in range(positives)])
    ranks = F.rank_positives(gallery[:1], gallery, pairs)
    assert ranks.best()[0] == 40 - positives + 1


def test_the_order_of_items_changes_nothing():
    queries, gallery, relevant = problem()
    order = np.random.default_rng(5).permutation(len(gallery))
    first, second = (
        F.rank_positives(queries, g, np.argwhere(r))
        for g, r in ((gallery, relevant), (gallery[order], relevant[:, order]))
    )
    np.testing.assert_array_equal(first.rank, second.rank)


@pytest.mark.parametrize("sizes", [(3, 4), (3, 0), (0, 4)])
def test_without_pairs_nothing_is_ranked(sizes):
    queries, gallery = (np.zeros((n, 5), dtype=np.float32) for n in sizes)
    ranks = F.rank_positives(queries, gallery, np.empty((0, 2), dtype=np.int64))
    for found in (ranks.queries, ranks.best(), ranks.average_precision(), ranks.ndcg()):
        assert found.shape == (0,)


@pytest.mark.parametrize("max_bytes", [64 << 20, 1])
@pytest.mark.parametrize("k", [1, 5, 200])
def test_the_best_k_are_those_of_a_full_sort(k, max_bytes):
    rng = np.random.default_rng(2)
    # Small whole numbers: exact, and often equal, when the earlier is taken.
    queries, gallery = (rng.integers(-2, 3, size=(n, 6)).astype(np.float32) for n in (60, 90))
    scores, items = F.top_k(queries, gallery, k, max_bytes=max_bytes)
    expected = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(items, expected)
    np.testing.assert_array_equal(scores, np.take_along_axis(queries @ gallery.T, expected, axis=1))


def test_the_best_of_an_empty_gallery_are_none():
    scores, items = F.top_k(np.ones((2, 3), np.float32), np.ones((0, 3), np.float32), 5)
    assert scores.shape == items.shape == (2, 0)
