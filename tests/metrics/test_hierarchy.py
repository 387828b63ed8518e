"""Ranks above the classes against plain loops: accuracy at each, distances, backing off; and classes by frequency."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, recall_score

from workbench.metrics import Evaluator, estimate_metrics, softmax
from workbench.metrics.frequency import METRICS as FREQUENCY
from workbench.metrics.frequency import FrequencyHits, bands_of
from workbench.metrics.functional import ones
from workbench.metrics.hierarchy import METRICS, HierarchicalAnswers, LikeliestTaxa, Taxonomy, choose_backoff

SPECIES = ("robur", "petraea", "ilex", "sylvatica", "alba", "canina")
GENUS = ("Quercus", "Quercus", "Quercus", "Fagus", "Abies", "Rosa")
FAMILY = ("Fagaceae", "Fagaceae", "Fagaceae", "Fagaceae", "Pinaceae", "Rosaceae")
TAXONOMY = Taxonomy("species", ("genus", "family"), (GENUS, FAMILY))


def planted(n=300, seed=0, sure=2.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, n)
    # Species of a genus are easily confused.
    near = np.array(GENUS)[labels][:, None] == np.array(GENUS)[None, :]
    return rng.normal(size=(n, 6)) + near * sure + 0.7 * np.eye(6)[labels], labels


def rolled(chances, names):
    """By loops: the sum of each taxon's classes."""
    return {name: sum(chances[c] for c in range(6) if names[c] == name) for name in names}


def answer(chances, label, threshold):
    """By loops: level of the answer, whether it is right, its information."""
    for level, names in enumerate((SPECIES, GENUS, FAMILY)):
        sums = rolled(chances, names)
        best = max(sums, key=sums.get)
        if sums[best] >= threshold:
            size = sum(name == best for name in names)
            right = best == names[label]
            return level, right, right * (1 - np.log(size) / np.log(6))
    return -1, False, 0.0


def test_accuracy_at_a_rank_is_that_of_summed_probabilities():
    scores, labels = planted()
    chances = softmax(scores)
    taxa = LikeliestTaxa.of(TAXONOMY, chances, labels)
    for level, names in ((1, GENUS), (2, FAMILY)):
        guess = [max(sums := rolled(own, names), key=sums.get) for own in chances]
        truth = [names[label] for label in labels]
        assert taxa.hits[:, level].mean() == pytest.approx(accuracy_score(truth, guess))
    assert (taxa.hits[:, 0] == (scores.argmax(axis=1) == labels)).all()
    # More often right than the genus of the likeliest species.
    assert (taxa.hits[:, 1] != np.equal(*(np.array(GENUS)[each] for each in (scores.argmax(axis=1), labels)))).any()


def test_distances_are_heights_of_the_lowest_common_ancestor():
    assert TAXONOMY.distances([0, 0, 0, 0], [0, 1, 3, 4]).tolist() == [0, 1, 2, 3]
    turned = TAXONOMY.reordered(np.array([5, 4, 3, 2, 1, 0]))
    assert turned.distances([5, 5, 5, 5], [5, 4, 2, 1]).tolist() == [0, 1, 2, 3]
    assert Taxonomy.from_dict(turned.to_dict()) == turned


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.9, np.inf])
def test_backing_off_answers_with_the_lowest_rank_that_is_sure_enough(threshold):
    scores, labels = planted()
    chances = softmax(scores)
    taxa = LikeliestTaxa.of(TAXONOMY, chances, labels)
    level = taxa.answered(threshold)
    expected = [answer(own, label, threshold) for own, label in zip(chances, labels, strict=True)]
    assert level.tolist() == [each[0] for each in expected]
    rows = np.arange(len(labels))
    right = (level >= 0) & taxa.hits[rows, level]
    information = np.where(right, taxa.information[rows, level], 0)
    np.testing.assert_allclose(information, [each[2] for each in expected])
    subject = HierarchicalAnswers(
        taxa.hits[:, 1:], TAXONOMY.distances(scores.argmax(1), labels), level, right, information
    )
    found = {name: values[0] for name, values in Evaluator(METRICS, subject)(ones(len(labels))).items()}
    levels, rights = np.array([each[:2] for each in expected]).T
    assert found["backoff_coverage"] == pytest.approx((levels >= 0).mean())
    for i in range(3):
        assert found[f"backoff_coverage/{i}"] == pytest.approx((levels == i).mean())
    if np.isfinite(threshold):
        assert found["backoff_accuracy"] == pytest.approx(rights[levels >= 0].mean())
    else:
        assert "backoff_accuracy" not in found
    distances = subject.distances
    assert found["hierarchical_distance"] == pytest.approx(distances.mean())
    assert found["mistake_severity"] == pytest.approx(distances[distances > 0].mean())


@pytest.mark.parametrize("accuracy", [0.6, 0.8, 0.95])
def test_the_threshold_has_the_most_information_of_those_that_are_right_often_enough(accuracy):
    scores, labels = planted(60, seed=3)
    chances = softmax(scores)
    taxa = LikeliestTaxa.of(TAXONOMY, chances, labels)
    found = choose_backoff(taxa, accuracy)
    best = {}
    for threshold in np.unique(taxa.probabilities):
        level, right, information = np.array(
            [answer(*own, threshold - 1e-12) for own in zip(chances, labels, strict=True)]
        ).T
        if right[level >= 0].mean() >= accuracy:
            best[threshold] = information.mean()
    assert best[found] == pytest.approx(max(best.values()))
    assert choose_backoff(replace(taxa, hits=~taxa.hits & False), 0.9) == np.inf


def test_backing_off_keeps_its_promise_on_new_images():
    """100 random halves: answers of the other half are right about as often as was asked for."""
    scores, labels = planted(600, seed=5)
    rng, shares = np.random.default_rng(0), []
    for _ in range(100):
        order = rng.permutation(600)
        val, test = (LikeliestTaxa.of(TAXONOMY, softmax(scores[part]), labels[part]) for part in np.split(order, 2))
        level = test.answered(choose_backoff(val, 0.85))
        shares.append(test.hits[np.arange(300), level][level >= 0].mean())
    assert np.mean(shares) == pytest.approx(0.85, abs=0.02)


def test_intervals_hold_the_value():
    scores, labels = planted()
    taxa = LikeliestTaxa.of(TAXONOMY, softmax(scores), labels)
    level = taxa.answered(0.7)
    right = (level >= 0) & taxa.hits[np.arange(300), level]
    subject = HierarchicalAnswers(
        taxa.hits[:, 1:], TAXONOMY.distances(scores.argmax(1), labels), level, right, right * 0.5
    )
    found = estimate_metrics(METRICS, subject, 300, replicates=200)
    assert {"rank_accuracy/0", "backoff_coverage/2", "mistake_severity"} <= found.keys()
    assert all(each.low < each.value < each.high for each in found.values())


def test_classes_by_frequency_are_those_of_recall():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 200)
    guess = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 6, 200))
    bands = bands_of([500, 101, 100, 20, 19, 3])
    assert bands == ("head", "head", "middle", "middle", "tail", "tail")
    assert bands_of([9, 4, 3], (4, 8)) == ("head", "middle", "tail")
    weights = rng.integers(0, 3, (2, 200)).astype(np.float32)
    found = Evaluator(FREQUENCY, FrequencyHits(guess == labels, labels, bands))(weights)
    for b, own in enumerate(weights):
        recalls = recall_score(labels, guess, average=None, sample_weight=own)
        for i in range(3):
            assert found[f"frequency_accuracy/{i}"][b] == pytest.approx(recalls[2 * i : 2 * i + 2].mean())
