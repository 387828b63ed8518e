import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, recall_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from dashboards.views.side_by_side import agreement, calibration, confusions, kappa, one_right, pair_up, per_class
from workbench.errors import WorkbenchError
from workbench.metrics import NotComparableError, calibration_curve
from workbench.tasks import ClassPredictions


@pytest.fixture
def runs(make_predictions):
    return make_predictions(1.5, seed=0), make_predictions(2.0, seed=1)


def shuffled(run):
    order = np.random.default_rng(3).permutation(len(run.ids))
    return ClassPredictions(
        [run.ids[i] for i in order], [run.groups[i] for i in order], run.labels[order], run.scores[order],
        run.class_names,
    )  # fmt: skip


def test_the_other_runs_order_does_not_matter(runs):
    a, b = runs
    np.testing.assert_array_equal(pair_up(a, b).scores[1], pair_up(a, shuffled(b)).scores[1])


def test_agreement_counts_all_items(runs):
    table = agreement(pair_up(*runs))
    right = [run.scores.argmax(axis=1) == run.labels for run in runs]
    assert table.loc["A right"].sum() == right[0].sum()
    assert table["B wrong"].sum() == (~right[1]).sum()
    assert table.to_numpy().sum() == 60


def test_kappa_equals_scikit_learn(runs):
    a, b = (run.scores.argmax(axis=1) for run in runs)
    assert kappa(pair_up(*runs)) == pytest.approx(cohen_kappa_score(a, b))


def test_recall_by_class_equals_scikit_learn(runs):
    table = per_class(*([run] for run in runs)).set_index("class")
    for side, run in zip("AB", runs, strict=True):
        expected = recall_score(run.labels, run.scores.argmax(axis=1), average=None)
        np.testing.assert_allclose(table.loc[["a", "b", "c"], side], expected)
    np.testing.assert_allclose(table["difference"], table["A"] - table["B"])
    assert (table["low"] <= table["difference"]).all() and (table["difference"] <= table["high"]).all()
    assert table["difference"].abs().is_monotonic_decreasing


def test_recall_by_class_is_the_mean_over_seeds_whatever_their_order(make_predictions):
    a, b = [make_predictions(1.5, seed) for seed in (0, 1, 2)], [make_predictions(2.0, seed) for seed in (3, 4)]
    table = per_class([a[0], shuffled(a[1]), a[2]], [b[0], shuffled(b[1])]).set_index("class")
    for side, group in (("A", a), ("B", b)):
        expected = [recall_score(run.labels, run.scores.argmax(axis=1), average=None) for run in group]
        np.testing.assert_allclose(table.loc[["a", "b", "c"], side], np.mean(expected, axis=0))
    np.testing.assert_allclose(table["difference"], table["A"] - table["B"], atol=1e-12)


def test_confusions_equal_scikit_learn(runs):
    for found, run in zip(confusions(pair_up(*runs)), runs, strict=True):
        expected = sklearn_confusion_matrix(run.labels, run.scores.argmax(axis=1), normalize="true")
        np.testing.assert_allclose(found, expected)


def test_calibration_is_that_of_the_predicted_class(runs):
    for found, run in zip(calibration(pair_up(*runs)), runs, strict=True):
        chance = np.exp(run.scores) / np.exp(run.scores).sum(axis=1, keepdims=True)
        expected = calibration_curve(chance.max(axis=1), chance.argmax(axis=1) == run.labels)
        np.testing.assert_allclose(found.accuracy, expected.accuracy)
        np.testing.assert_allclose(found.confidence, expected.confidence, rtol=1e-5)


def test_items_that_one_run_alone_gets_right(runs):
    pair = pair_up(*runs)
    for winner in (0, 1):
        found = one_right(pair, winner)
        assert pair.right[winner][found].all()
        assert not pair.right[1 - winner][found].any()
        assert len(found) == (pair.right[winner] & ~pair.right[1 - winner]).sum()


def test_other_items_are_refused(runs):
    a, b = runs
    other = ClassPredictions(["x", *b.ids[1:]], b.groups, b.labels, b.scores, b.class_names)
    with pytest.raises(NotComparableError, match="not made on the same test items"):
        pair_up(a, other)


def test_other_classes_and_several_labels_are_refused(runs):
    a, b = runs
    with pytest.raises(WorkbenchError, match="different classes"):
        pair_up(a, ClassPredictions(b.ids, b.groups, b.labels, b.scores, ("a", "b", "x")))
    many = ClassPredictions(b.ids, b.groups, np.eye(3, dtype=bool)[b.labels], b.scores, b.class_names)
    with pytest.raises(WorkbenchError, match="one label"):
        pair_up(many, many)
