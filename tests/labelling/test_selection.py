import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.errors import WorkbenchError
from workbench.labelling.selection import select, uncertainty


def blobs(sizes, seed=0):
    """Unit vectors about as many directions, and which."""
    rng = np.random.default_rng(seed)
    centres = np.eye(len(sizes), 12)
    code = np.repeat(np.arange(len(sizes)), sizes)
    return normalise((centres[code] + 0.05 * rng.normal(size=(len(code), 12))).astype(np.float32)), code


def test_uncertainty_is_what_the_margin_leaves():
    found = uncertainty(np.array([[0.5, 0.4, 0.1], [0.9, 0.05, 0.05], [0.2, 0.4, 0.4]]))
    assert found.tolist() == pytest.approx([0.9, 0.15, 1.0])


def test_the_least_sure_come_first():
    features, _ = blobs([10])
    unsure = np.linspace(0, 1, 10)
    assert select(features, unsure, 3, "uncertainty").tolist() == [9, 8, 7]


def test_k_centre_is_the_naive_one():
    features, _ = blobs([8, 5, 3], seed=3)
    labelled = features[:4]
    chosen = []
    for _ in range(5):
        near = [min(np.linalg.norm(f - g) for g in [*labelled, *features[chosen]]) for f in features]
        chosen.append(int(np.argmax(near)))
    assert select(features, np.zeros(16), 5, "diversity", labelled=labelled).tolist() == chosen


def test_k_centre_without_labels_takes_one_of_each_blob():
    features, code = blobs([30, 3, 1, 6])
    assert sorted(code[select(features, np.zeros(40), 4, "diversity")]) == [0, 1, 2, 3]


def test_both_takes_different_images_among_the_unsure():
    features, code = blobs([60, 60, 60, 60])
    # One blob is known well; of the others all are about as unsure.
    unsure = np.where(code == 3, 0.01, 0.9) + 0.01 * np.random.default_rng(0).random(240)
    chosen = select(features, unsure, 6, "both")
    assert len(set(chosen.tolist())) == 6
    counts = np.bincount(code[chosen], minlength=4)
    assert counts[3] == 0
    assert counts[:3].min() >= 1


def test_the_centre_of_a_cluster_leans_towards_the_unsure():
    angles = np.array([0.0, 0.3, 0.6])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert select(features, np.array([0.98, 0.02, 0.01]), 1, "both").tolist() == [0]
    assert select(features, np.array([0.5, 0.5, 0.5]), 1, "both").tolist() == [1]


@pytest.mark.parametrize("by", ["both", "uncertainty", "diversity"])
def test_more_than_there_are_is_all(by):
    features, _ = blobs([4])
    assert sorted(select(features, np.zeros(4), 9, by)) == [0, 1, 2, 3]


def test_equal_images_are_not_taken_twice():
    features = np.tile(np.eye(1, 12, dtype=np.float32), (5, 1))
    for by in ("both", "diversity"):
        assert len({*select(features, np.full(5, 0.5), 3, by).tolist()}) == 3


def test_an_unknown_way_is_refused():
    with pytest.raises(WorkbenchError, match="--by luck: expected one of both, uncertainty, diversity"):
        select(np.eye(3), np.zeros(3), 1, "luck")


def test_both_needs_fewer_labels_than_chance():
    """Ten classes, two of them hard to tell: fewer mistakes at the same number of labels, on average over seeds."""
    from sklearn.linear_model import LogisticRegression

    gained = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(10, 16))
        centres[1] = centres[0] + 0.25 * rng.normal(size=16)
        code = rng.choice(10, 900, p=np.r_[0.3, 0.3, np.full(8, 0.05)])
        features = normalise((centres[code] + 0.45 * rng.normal(size=(900, 16))).astype(np.float32))
        first = np.concatenate([np.flatnonzero(code[:600] == c)[:1] for c in range(10)])
        right = {}
        for by in ("both", "chance"):
            labelled = first
            for _ in range(3):
                probe = LogisticRegression(C=30, max_iter=300).fit(features[labelled], code[labelled])
                pool = np.setdiff1d(np.arange(600), labelled)
                if by == "chance":
                    new = rng.permutation(len(pool))[:15]
                else:
                    new = select(features[pool], uncertainty(probe.predict_proba(features[pool])), 15, by, seed=seed)
                labelled = np.concatenate([labelled, pool[new]])
            probe = LogisticRegression(C=30, max_iter=300).fit(features[labelled], code[labelled])
            right[by] = probe.score(features[600:], code[600:])
        gained.append(right["both"] - right["chance"])
    assert np.mean(gained) > 0
