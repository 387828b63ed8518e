"""What is chosen on validation: calibration against scikit-learn, joining against loops, reordering, and tests."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from workbench.errors import DataError
from workbench.metrics import metric_named, softmax
from workbench.tasks.classification.calibration import fit_calibration, out_of_fold
from workbench.tasks.classification.card_decisions import DecisionTable
from workbench.tasks.classification.choices import Choices, choose
from workbench.tasks.classification.joining import JOINS, join_labels, join_scores
from workbench.tasks.classification.predictions import ClassPredictions
from workbench.tasks.classification.subgroup_tests import subgroup_tests


def planted(n=400, seed=0, scale=4.0, classes=3):
    """Scores `scale` times as large as the log-probabilities that labels are drawn from."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(n, classes)) * 1.5
    labels = np.array([rng.choice(classes, p=p) for p in softmax(true)])
    return (scale * true).astype(np.float32), labels


def test_a_temperature_is_the_one_of_least_loss():
    scores, labels = planted()
    found = fit_calibration("temperature", scores, labels)

    def loss(temperature):
        logits = scores / temperature
        return (logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]).mean()

    best = minimize_scalar(loss, bounds=(0.1, 50), method="bounded", options={"xatol": 1e-8}).x
    assert 1 / found.factor[0] == pytest.approx(best, rel=1e-3)
    assert best == pytest.approx(4, rel=0.2)
    assert len(set(found.factor)) == 1
    assert set(found.offset) == {0.0}
    np.testing.assert_allclose(found.undone(found(scores)), scores, rtol=1e-4, atol=1e-4)


def test_vector_scaling_finds_factors_and_offsets():
    """Two classes: logistic regression on each class's score, with the same prior."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3))
    labels = np.array([rng.choice(3, p=p) for p in softmax(true * [1.5, 0.7, 1.0] + [0.5, -0.5, 0.0])])
    found = fit_calibration("vector", true, labels)
    np.testing.assert_allclose(found.factor, [1.5, 0.7, 1.0], atol=0.2)
    offset = np.array(found.offset) - found.offset[2]
    np.testing.assert_allclose(offset, [0.5, -0.5, 0.0], atol=0.2)
    two = LogisticRegression(C=1e6).fit(true[:, :1] - true[:, 1:2], labels == 0)
    assert two.coef_[0, 0] > 0


def test_few_images_of_many_classes_do_not_drive_vector_scaling_away():
    scores, labels = planted(12, classes=6)
    found = fit_calibration("vector", scores, labels)
    assert np.isfinite(found.factor).all()
    assert np.abs(found.offset).max() < 5


def test_scores_out_of_fold_do_not_know_their_own_labels():
    scores, labels = planted(60, classes=6)
    groups = np.arange(60) // 3
    first = out_of_fold("vector", scores, labels, groups)
    changed = labels.copy()
    changed[:3] = (changed[:3] + 1) % 6
    again = out_of_fold("vector", scores, changed, groups)
    np.testing.assert_array_equal(first[:3], again[:3])
    assert not np.allclose(first, again)


@pytest.mark.parametrize("join", JOINS)
def test_groups_are_joined_as_a_loop_does(join):
    scores, _ = planted(30, classes=3, scale=1)
    units = np.random.default_rng(0).permutation(np.arange(30) // 3)
    chance = softmax(scores)[:, [0, 2]].sum(axis=1)
    rule = {"mean": np.mean, "max": np.max, "noisy-or": lambda p: 1 - np.prod(1 - p)}[join]
    joined = softmax(join_scores(scores, units, join, (0, 2)))
    expected = [rule(chance[units == unit]) for unit in range(10)]
    np.testing.assert_allclose(joined[:, [0, 2]].sum(axis=1), expected, rtol=1e-5)
    plain = softmax(join_scores(scores, units, join))
    each = np.array([[rule(softmax(scores)[units == unit, c]) for c in range(3)] for unit in range(10)])
    np.testing.assert_allclose(plain, each / each.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_group_is_positive_where_an_image_is():
    units = np.array([0, 0, 1, 1, 2])
    assert join_labels(np.array([0, 1, 0, 0, 1]), units, (1,)).tolist() == [1, 0, 1]
    assert join_labels(np.array([2, 2, 0, 2, 0]), units, (1,)).tolist() == [2, 0, 0]
    with pytest.raises(DataError, match="different classes; name the class that makes a group positive"):
        join_labels(np.array([0, 1, 0, 0, 1]), units)


def test_choices_survive_their_file_and_other_orders_of_classes():
    scores, labels = planted()
    table = DecisionTable(
        points=("youden", "cost=2"), prevalence=0.1, join="chosen", calibration="vector", coverage=0.8
    )  # fmt: skip
    found = choose(table, (2,), scores, labels, np.arange(400) // 2)
    assert Choices.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    other = found.reordered(np.array([2, 0, 1]))
    assert other.positives == (0,)
    np.testing.assert_allclose(other.calibration(scores[:, [2, 0, 1]]), found.calibration(scores)[:, [2, 0, 1]])
    with pytest.raises(DataError, match="needs validation images"):
        choose(table, (2,), scores[:0], labels[:0], None)
    with pytest.raises(DataError, match="needs groups"):
        choose(table, (2,), scores, labels, None)


def predictions(rng, n=120, effect=0.0, per_group=1):
    labels = np.arange(n) % 2
    sex = np.repeat(rng.choice(["F", "M"], n // per_group), per_group)
    noise = np.repeat(rng.normal(size=n // per_group), per_group) + 0.3 * rng.normal(size=n)
    margin = (2 * labels - 1) * (0.8 - effect * (sex == "F")) + noise
    scores = np.stack([np.zeros(n), margin], axis=1).astype(np.float32)
    groups = [None] * n if per_group == 1 else [str(i // per_group) for i in range(n)]
    return ClassPredictions(
        [str(i) for i in range(n)], groups, labels, scores, ("a", "b"), subgroups={"sex": sex.tolist()},
        choices=Choices((1,), ("youden",), (0.0,)),
    )  # fmt: skip


METRICS = [metric_named(f"gap_subgroup_{name}") for name in ("accuracy", "auroc")]


@pytest.mark.parametrize("per_group", [1, 4])
def test_subgroups_that_do_not_differ_are_seldom_said_to(per_group):
    rng, claimed = np.random.default_rng(0), []
    for _ in range(150):
        found = subgroup_tests(predictions(rng, per_group=per_group), METRICS)
        claimed.append(min(found.values()) <= 0.05)
    assert np.mean(claimed) <= 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 150)


def test_subgroups_that_differ_are_found_and_p_values_are_corrected():
    different = predictions(np.random.default_rng(0), n=400, effect=1.2)
    found = subgroup_tests(different, [*METRICS, metric_named("subgroup_sensitivity_at")])
    assert set(found) == {"p_subgroup_accuracy/sex", "p_subgroup_auroc/sex", "p_subgroup_sensitivity_at/sex/youden"}
    assert found["p_subgroup_accuracy/sex"] < 0.01
    alone = subgroup_tests(different, METRICS[:1])
    assert alone["p_subgroup_accuracy/sex"] <= found["p_subgroup_accuracy/sex"]
    # A subgroup that changes within a group has no test.
    mixed = replace(different, groups=["one"] * 400)
    assert subgroup_tests(mixed, METRICS) == {}
