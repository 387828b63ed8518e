import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats

from workbench.arrays import normalise
from workbench.errors import WorkbenchError
from workbench.metrics import pairs_from_ids, rank_metrics, rank_positives, retrieval_metrics


def captioned(images=40, captions=5, d=12, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    image_features = rng.normal(size=(images, d)).astype(np.float32)
    owner = np.repeat(np.arange(images), captions)
    text_features = (image_features[owner] + noise * rng.normal(size=(len(owner), d))).astype(np.float32)
    return image_features, text_features, np.column_stack([owner, np.arange(len(owner))])


def naive(queries, gallery, relevant):
    ranks = []
    for row, right in zip(queries @ gallery.T, relevant, strict=True):
        order = np.argsort(-row)
        ranks.append(1 + np.flatnonzero(right[order])[0])
    return np.array(ranks)


def test_both_directions_agree_with_naive_ones():
    images, texts, pairs = captioned()
    found = retrieval_metrics(3 * images, texts, pairs, replicates=10)
    relevant = np.zeros((40, 200), bool)
    relevant[tuple(pairs.T)] = True
    images, texts = normalise(images), normalise(texts)
    for name, (q, g, r) in {
        "image_to_text": (images, texts, relevant),
        "text_to_image": (texts, images, relevant.T),
    }.items():
        ranks = naive(q, g, r)
        for k in (1, 5, 10):
            assert found[f"{name}_recall_at_{k}"].value == pytest.approx(np.mean(ranks <= k))
        assert found[f"{name}_median_rank"].value == np.median(ranks)
        ap = np.mean([sk.average_precision_score(right, row) for right, row in zip(r, q @ g.T, strict=True)])
        assert found[f"{name}_map"].value == pytest.approx(ap, rel=1e-6)
        assert found[f"{name}_ndcg"].value == pytest.approx(sk.ndcg_score(r, q @ g.T), rel=1e-6)
        assert found[f"{name}_recall_at_1"].low < found[f"{name}_recall_at_1"].value
    assert set(found) == {f"{d}_{m}" for d in ("image_to_text", "text_to_image") for m in
                          ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank", "map", "ndcg")}  # fmt: skip


def test_captions_of_one_image_are_resampled_together():
    images, texts, pairs = captioned()
    found = retrieval_metrics(images, texts, pairs)
    assert found["text_to_image_recall_at_1"].n == 200
    assert found["text_to_image_recall_at_1"].n_groups == 40
    assert found["image_to_text_recall_at_1"].n_groups is None
    grouped = retrieval_metrics(images, texts, pairs, image_groups=np.arange(40) % 8, replicates=10)
    for name in ("image_to_text_recall_at_1", "text_to_image_recall_at_1"):
        assert grouped[name].n_groups == 8
        assert not grouped[name].reliable


def test_queries_are_resampled_and_the_gallery_stays():
    images, texts, pairs = captioned(captions=1)
    ranks = rank_positives(normalise(images), normalise(texts), pairs)
    found = rank_metrics(ranks, "text_to_image", replicates=500)
    drawn = np.random.default_rng(0).integers(0, 40, size=(500, 40))
    tail = stats.norm.cdf(-np.sqrt(40 / 39) * stats.t.ppf(0.975, 39))
    for name, function in (
        ("map", lambda i: np.mean(1 / ranks.best()[i])),
        ("median_rank", lambda i: np.median(ranks.best()[i])),
    ):
        expected = tuple(np.quantile([function(row) for row in drawn], [tail, 1 - tail]))
        assert (found[f"text_to_image_{name}"].low, found[f"text_to_image_{name}"].high) == pytest.approx(expected)
    hits = stats.binomtest(int((ranks.best() <= 1).sum()), 40).proportion_ci()
    assert (found["text_to_image_recall_at_1"].low, found["text_to_image_recall_at_1"].high) == pytest.approx(
        (hits.low, hits.high)
    )


def test_queries_without_a_right_item_are_left_out():
    images, texts, pairs = captioned(captions=1)
    found = retrieval_metrics(images, texts, pairs[:30], replicates=10)
    assert found["image_to_text_recall_at_1"].n == 30
    assert found["text_to_image_recall_at_1"].n == 30


def test_repeated_pairs_count_once():
    images, texts, pairs = captioned()
    once = retrieval_metrics(images, texts, pairs, replicates=10)
    assert retrieval_metrics(images, texts, np.concatenate([pairs, pairs[:50]]), replicates=10) == once


@pytest.mark.parametrize("kind", [int, str])
def test_pairs_are_equal_ids(kind):
    images, texts = np.array([3, 1, 3, 9]).astype(kind), np.array([1, 3, 1, 5]).astype(kind)
    expected = {(i, t) for i in range(4) for t in range(4) if images[i] == texts[t]}
    pairs = pairs_from_ids(images, texts)
    assert {tuple(pair) for pair in pairs.tolist()} == expected
    assert len(pairs) == len(expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i, t, p: (np.where(i == i[3, 0], np.nan, i), t, p), "image features: NaN in 1 of 40 rows"),
        (lambda i, t, p: (i, t, p[:0]), "nothing to retrieve"),
        (lambda i, t, p: (i, t[:-1], p), "outside of the 40 images and 199 texts"),
        (lambda i, t, p: (i, t, p[:, 0]), "expected integer pairs"),
    ],
)
def test_bad_input_is_one_sentence(change, words):
    with pytest.raises(WorkbenchError, match=words):
        retrieval_metrics(*change(*captioned()))
