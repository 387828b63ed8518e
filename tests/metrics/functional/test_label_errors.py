import numpy as np
import pytest

from workbench.metrics import functional as F


def noisy(n=600, classes=4, share=0.1, signal=5.0, seed=0):
    """Probabilities of a good model, labels of which a share was changed, and the changed items."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    probabilities = F.softmax(signal * np.eye(classes)[true] + rng.normal(size=(n, classes)))
    changed = rng.random(n) < share
    labels = np.where(changed, (true + rng.integers(1, classes, n)) % classes, true)
    return probabilities, labels, np.flatnonzero(changed)


def naive(probabilities, labels):
    """The paper's rule, item by item."""
    classes = range(probabilities.shape[1])
    thresholds = {k: np.mean([p[k] for p, y in zip(probabilities, labels, strict=True) if y == k]) for k in classes}
    for i, (p, y) in enumerate(zip(probabilities, labels, strict=True)):
        reached = [k for k in classes if p[k] >= thresholds[k]]
        if reached and max(reached, key=lambda k: p[k]) != y:
            yield i, p[y] - max(p[k] for k in classes if k != y)


def test_it_is_the_published_rule():
    probabilities, labels, _ = noisy()
    expected = [i for i, _ in sorted(naive(probabilities, labels), key=lambda found: found[1])]
    assert F.suspect_labels(probabilities, labels).tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_changed_labels_are_found(seed):
    probabilities, labels, changed = noisy(seed=seed)
    found = F.suspect_labels(probabilities, labels)
    assert np.isin(changed, found).mean() > 0.8
    assert np.isin(found, changed).mean() > 0.9


def test_a_class_without_items_makes_no_suspects():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]])
    assert F.suspect_labels(probabilities, np.array([0, 0])).tolist() == []
    assert F.suspect_labels(np.empty((0, 3)), np.empty(0, np.int64)).tolist() == []


def test_as_many_as_the_noise_rate_says_are_suspects():
    probabilities, labels, changed = noisy(n=2000, share=0.15, signal=2.5)
    found = F.suspects_by_noise_rate(probabilities, labels)
    few = F.suspect_labels(probabilities, labels)
    assert len(found) == pytest.approx(len(changed), rel=0.25)
    assert np.isin(changed, found).mean() > max(0.7, np.isin(changed, few).mean())
    assert np.isin(found, changed).mean() > 0.7
    own = probabilities[np.arange(2000), labels]
    assert (own[found] < probabilities[found].max(axis=1)).all()
    assert F.suspects_by_noise_rate(np.empty((0, 3)), np.empty(0, np.int64)).tolist() == []


def test_suspects_by_noise_rate_by_hand():
    # Six are labelled 0. Thresholds: 0 has mean 0.55, 1 has 0.9. Reached: 0 by three, 1 by one, none by two.
    first = [0.8, 0.8, 0.8, 0.05, 0.45, 0.4]
    probabilities = np.array([[p, 1 - p] for p in [*first, 0.1, 0.1]])
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    assert F.suspect_labels(probabilities, labels).tolist() == [3]
    # One of four that count is rather 1: of six, one and a half, which makes two; the second is the next likeliest.
    assert F.suspects_by_noise_rate(probabilities, labels).tolist() == [3, 5]
