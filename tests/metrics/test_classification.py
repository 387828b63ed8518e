import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import special, stats

from workbench.errors import DataError, WorkbenchError
from workbench.metrics import Estimate, classification_metrics, flatten, is_reliable, metric_named
from workbench.metrics.class_scores import ClassScores
from workbench.metrics.classification import METRICS
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.intervals import Units


def sample(n=300, c=8, seed=0, signal=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    scores = rng.normal(size=(n, c)).astype(np.float32)
    scores[np.arange(n), labels] += signal
    return scores, labels


def multi(n=250, labels=4, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.random((n, labels)) < [0.5, 0.3, 0.1, 0.6]
    return (rng.normal(size=(n, labels)) + 1.5 * targets - 0.7).astype(np.float32), targets


def test_values_agree_with_scikit_learn():
    scores, labels = sample()
    found = classification_metrics(scores, labels, replicates=20)
    predicted, names = scores.argmax(axis=1), np.arange(8)
    hot, p = labels[:, None] == names, special.softmax(scores.astype(float), axis=1)
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "top5_accuracy": sk.top_k_accuracy_score(labels, scores, k=5),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro"),
        "auroc": sk.roc_auc_score(labels, p, multi_class="ovr"),
        "average_precision": sk.average_precision_score(hot, p),
        "nll": sk.log_loss(labels, p, labels=names),
        "brier": sk.brier_score_loss(labels, p, labels=names, scale_by_half=True),
        "mcc": sk.matthews_corrcoef(labels, predicted),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-6), name
    assert set(found) == {*expected, "ece"}


def test_metrics_of_two_classes_agree_with_scikit_learn():
    rng = np.random.default_rng(5)
    labels = (rng.random(150) < 0.3).astype(int)
    scores = rng.normal(size=(150, 2)) + 1.2 * np.eye(2)[labels]
    predicted = scores.argmax(axis=1)
    for positive in (0, 1):
        found = classification_metrics(scores, labels, positive=positive, replicates=20)
        recalls = [sk.recall_score(labels, predicted, pos_label=label) for label in (positive, 1 - positive)]
        assert [found[name].value for name in ("sensitivity", "specificity")] == pytest.approx(recalls)
        assert found["mcc"].value == pytest.approx(sk.matthews_corrcoef(labels, predicted))
    only = classification_metrics(scores[labels == 0], labels[labels == 0], replicates=5)
    assert not {"sensitivity", "mcc"} & set(only)  # There is nothing to find, and nothing to correlate with.
    assert "specificity" in only


def test_quadratic_kappa_agrees_with_scikit_learn_under_every_resample():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 5, 200)
    scores = 2 * np.eye(5)[np.clip(labels + rng.integers(-1, 2, 200), 0, 4)] + rng.normal(size=(200, 5))
    predicted = scores.argmax(axis=1)
    evaluate = Evaluator([metric_named("quadratic_kappa"), metric_named("mcc")], ClassScores(scores, labels))
    weights = np.vstack([np.ones(200), rng.multinomial(200, np.full(200, 1 / 200), size=20)]).astype(np.float32)
    found = evaluate(weights)
    for i, own in enumerate(weights):
        kappa = sk.cohen_kappa_score(labels, predicted, weights="quadratic", sample_weight=own)
        assert found["quadratic_kappa"][i] == pytest.approx(kappa)
        assert found["mcc"][i] == pytest.approx(sk.matthews_corrcoef(labels, predicted, sample_weight=own))
    assert "quadratic_kappa" not in classification_metrics(scores, labels, replicates=5)


def test_agreement_below_chance_is_negative_and_is_not_clipped():
    labels = np.arange(60) % 2
    found = classification_metrics(4 * np.eye(2)[1 - labels], labels, replicates=50, metrics=METRICS)
    assert found["mcc"].value == found["quadratic_kappa"].value == -1
    assert found["mcc"].low == -1 < found["mcc"].high < -0.8  # As wide as the share of 0 of 60 is.
    assert found["ece"].value >= 0


def test_multi_label_values_agree_with_scikit_learn():
    scores, targets = multi()
    found = classification_metrics(scores, targets, multi_label=True, replicates=20, label_names=list("abcd"))
    predicted, probabilities = scores >= 0, 1 / (1 + np.exp(-scores.astype(float)))
    expected = {
        "accuracy": sk.accuracy_score(targets, predicted),
        "macro_f1": sk.f1_score(targets, predicted, average="macro"),
        "micro_f1": sk.f1_score(targets, predicted, average="micro"),
        "auroc": sk.roc_auc_score(targets, scores),
        "average_precision": sk.average_precision_score(targets, scores),
        "auroc/c": sk.roc_auc_score(targets[:, 2], scores[:, 2]),
        "average_precision/a": sk.average_precision_score(targets[:, 0], scores[:, 0]),
        "nll": np.mean([sk.log_loss(targets[:, k], probabilities[:, k]) for k in range(4)]),
        "brier": np.mean([sk.brier_score_loss(targets[:, k], probabilities[:, k]) for k in range(4)]),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-6), name
    assert found["ece"].value < 0.2


def test_labels_that_are_not_known_count_nowhere():
    scores, targets = multi()
    known = np.random.default_rng(5).random(targets.shape) < 0.7
    known[~known.any(axis=1), 0] = True
    masked = np.where(known, targets, np.nan).astype(np.float32)
    found = classification_metrics(scores, masked, multi_label=True, replicates=300)
    predicted, probabilities = scores >= 0, 1 / (1 + np.exp(-scores.astype(float)))
    columns = [(targets[known[:, k], k], scores[known[:, k], k]) for k in range(4)]
    expected = {
        "accuracy": np.mean([(predicted[i] == targets[i])[known[i]].all() for i in range(len(scores))]),
        "macro_f1": np.mean([sk.f1_score(true, score >= 0) for true, score in columns]),
        "micro_f1": sk.f1_score(targets[known], predicted[known]),
        "auroc": np.mean([sk.roc_auc_score(*column) for column in columns]),
        "auroc/2": sk.roc_auc_score(*columns[2]),
        "average_precision": np.mean([sk.average_precision_score(*column) for column in columns]),
        "nll": np.mean([
            sk.log_loss(targets[i, known[i]], probabilities[i, known[i]], labels=[0, 1]) for i in range(len(scores))
        ]),
        "brier": np.mean([((probabilities[i] - targets[i]) ** 2)[known[i]].mean() for i in range(len(scores))]),
    }  # fmt: skip
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-6), name
    # A label of which items alone are known has the interval of these items.
    rows = known[:, 2]
    alone = classification_metrics(scores[rows, 2:3], targets[rows, 2:3], multi_label=True, replicates=300)["auroc"]
    assert found["auroc/2"].high - found["auroc/2"].low == pytest.approx(alone.high - alone.low, rel=0.25)


def test_all_known_labels_as_numbers_are_those_as_truth():
    scores, targets = multi()
    plain = classification_metrics(scores, targets, multi_label=True, replicates=20)
    assert classification_metrics(scores, targets.astype(np.float32), multi_label=True, replicates=20) == plain


def test_an_item_of_which_nothing_is_known_is_refused():
    scores, targets = multi()
    masked = targets.astype(float)
    masked[3] = np.nan
    with pytest.raises(DataError, match="of 1 items no label is known, the first is item 3"):
        classification_metrics(scores, masked, multi_label=True)


def test_a_mean_has_scipys_percentile_interval():
    scores, labels = sample()
    terms = -special.log_softmax(scores.astype(float), axis=1)[np.arange(300), labels]
    found = classification_metrics(scores, labels, replicates=4000)["nll"]
    expected = stats.bootstrap(
        (terms,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.01)


def test_accuracy_has_the_interval_of_clopper_and_pearson():
    scores, labels = sample()
    found = classification_metrics(scores, labels, replicates=2)
    hits = int((scores.argmax(axis=1) == labels).sum())
    expected = stats.binomtest(hits, 300).proportion_ci(method="exact")
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx((expected.low, expected.high))


def test_intervals_agree_with_a_loop_over_scikit_learn_on_the_same_resamples():
    scores, labels = sample(n=80, c=4)
    found = classification_metrics(scores, labels, replicates=60, seed=5)
    rng, predicted, hot = np.random.default_rng(5), scores.argmax(axis=1), labels[:, None] == np.arange(4)
    p = special.softmax(scores.astype(float), axis=1)
    functions = {
        "macro_f1": lambda i: sk.f1_score(labels[i], predicted[i], average="macro"),
        "auroc": lambda i: np.mean([sk.roc_auc_score(hot[i, c], p[i, c]) for c in range(4)]),
        "average_precision": lambda i: sk.average_precision_score(hot[i], p[i]),
    }
    drawn = rng.integers(0, 80, size=(60, 80))
    tail = stats.norm.cdf(-np.sqrt(80 / 79) * stats.t.ppf(0.975, 79))  # Hesterberg's expanded percentiles
    for name, function in functions.items():
        replicates = np.array([function(i) for i in drawn])
        replicates += function(np.arange(80)) - replicates.mean()
        expected = np.clip(np.quantile(replicates, [tail, 1 - tail]), 0, 1)
        assert (found[name].low, found[name].high) == pytest.approx(tuple(expected), abs=1e-5), name


@pytest.mark.parametrize("signal", [0.0, 2.0])
def test_every_interval_holds_its_value(signal):
    # Long tail: 30 of 40 classes have one or two items.
    rng = np.random.default_rng(3)
    labels = np.concatenate([np.repeat(np.arange(10), 12), rng.integers(10, 40, 45)])
    scores = rng.normal(size=(165, 40)).astype(np.float32)
    scores[np.arange(165), labels] += np.where(labels < 10, signal, 0)
    for name, e in classification_metrics(scores, labels).items():
        assert e.low <= e.value <= e.high, name
        assert e.high - e.low < 0.5, name
        assert e.low < e.value < e.high or name == "ece", name


def test_intervals_cover_the_truth():
    many, truth = sample(n=100_000, c=3, seed=1_000)
    p = special.softmax(many.astype(float), axis=1)
    auroc, covered = sk.roc_auc_score(truth, p, multi_class="ovr"), 0
    for seed in range(100):
        scores, labels = sample(n=150, c=3, seed=seed)
        e = classification_metrics(scores, labels, replicates=200)["auroc"]
        covered += e.low <= auroc <= e.high
    assert 88 <= covered <= 100


def test_groups_are_resampled_whole():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 20)
    labels = np.zeros(600, np.int64)
    right = np.repeat(rng.random(30) < 0.5, 20)
    scores = np.stack([right, ~right], axis=1).astype(np.float32)
    alone, grouped = (classification_metrics(scores, labels, g)["accuracy"] for g in (None, groups))
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(20**0.5, rel=0.15)
    assert (grouped.n, grouped.n_groups, alone.n_groups) == (600, 30, None)
    named = classification_metrics(scores, labels, np.array([f"patient {g}" for g in groups]))["accuracy"]
    assert named == grouped


def test_fewer_than_twenty_groups_are_unreliable():
    scores, labels = sample()
    for count, reliable in ((19, False), (20, True)):
        found = classification_metrics(scores, labels, np.arange(300) % count, replicates=10)
        assert found["accuracy"].reliable is reliable
    assert not classification_metrics(scores[:19], labels[:19], replicates=10)["accuracy"].reliable


def test_seeds_and_items_are_resampled_together():
    runs = np.stack([sample(seed=0, signal=s)[0] for s in (0.3, 1.0, 1.7)])
    labels = sample()[1]
    each = [classification_metrics(run, labels)["accuracy"] for run in runs]
    together = classification_metrics(runs, labels)["accuracy"]
    assert together.value == pytest.approx(np.mean([e.value for e in each]))
    # Seeds that differ by more than test items explain widen the interval to about their t-less standard error.
    spread = np.std([e.value for e in each], ddof=1) / 3**0.5
    assert together.high - together.low > 3 * spread > max(e.high - e.low for e in each)
    same = classification_metrics(runs[[1, 1]], labels)["accuracy"]
    assert (same.low, same.high) == pytest.approx((each[1].low, each[1].high))


def test_results_do_not_depend_on_order_or_memory(monkeypatch):
    from workbench.metrics import _bootstrap

    scores, labels = sample()
    expected = classification_metrics(scores, labels, replicates=50)
    monkeypatch.setattr(_bootstrap, "_BLOCK_BYTES", 8 * 300 * 7)
    found = classification_metrics(scores, labels, replicates=50)
    classes = np.random.default_rng(0).permutation(8)
    renamed = classification_metrics(scores[:, classes], np.argsort(classes)[labels], replicates=50)
    order = np.random.default_rng(1).permutation(300)
    shuffled = classification_metrics(scores[order], labels[order], replicates=50)
    for name, e in expected.items():
        assert flatten({"m": found[name]}) == pytest.approx(flatten({"m": e})), name
        assert flatten({"m": renamed[name]}) == pytest.approx(flatten({"m": e}), abs=1e-6), name
        assert shuffled[name].value == pytest.approx(e.value, abs=1e-6), name


def test_one_class_in_test_leaves_ranking_undefined_and_the_rest_defined():
    scores, _ = sample()
    found = classification_metrics(scores, np.full(300, 2), replicates=10)
    assert not {"auroc", "average_precision"} & set(found)
    assert found["balanced_accuracy"].value == found["accuracy"].value


def test_a_label_without_positives_has_no_metrics_of_its_own():
    scores, targets = multi()
    targets[:, 1] = False
    found = classification_metrics(scores, targets, multi_label=True, replicates=10)
    assert "auroc/1" not in found
    assert found["auroc"].value == pytest.approx(np.mean([found[f"auroc/{k}"].value for k in (0, 2, 3)]))


def test_label_names_are_fit_for_a_run_record():
    from mlflow.utils.validation import _validate_metric_name

    scores, targets = multi()
    names = ["no, (yet) 100%", "no; (yet) 100%", "../x", "緑の葉"]
    found = classification_metrics(scores, targets, multi_label=True, replicates=2, label_names=names)
    keys = [name for name in found if name.startswith("auroc/")]
    assert len(keys) == 4
    assert "auroc/緑の葉" in keys
    for key in keys:
        _validate_metric_name(key)


def test_top5_needs_more_than_five_classes():
    scores, labels = sample(c=5)
    assert "top5_accuracy" not in classification_metrics(scores, labels, replicates=2)


def test_a_single_item_and_constant_scores_give_numbers():
    one = classification_metrics(np.zeros((1, 2), np.float32), np.array([0]), replicates=10)
    assert one["accuracy"] == Estimate(1.0, pytest.approx(0.025), 1.0, Units(1, None, 1.0))
    assert not one["accuracy"].reliable
    constant = classification_metrics(np.zeros((60, 3), np.float32), np.arange(60) % 3, replicates=100)
    assert constant["auroc"].value == 0.5
    assert constant["ece"].value == 0
    assert all(np.isfinite(list(flatten(constant).values())))


def test_flatten_names_both_ends_and_what_stands_behind_them():
    flat = flatten({"accuracy": Estimate(0.5, 0.4, 0.6, Units(30, None, 30.0))})
    assert flat == {"accuracy": 0.5, "accuracy_ci_low": 0.4, "accuracy_ci_high": 0.6, "test_items": 30}
    assert is_reliable(flat)
    few = flatten({"accuracy": Estimate(0.5, 0.4, 0.6, Units(90, 40, 18.7))})
    assert (few["test_groups"], few["test_groups_effective"]) == (40, 18.7)
    assert not is_reliable(few)
    assert not is_reliable({"test_groups": 19.0, "test_items": 90.0})  # as runs recorded it before


def spoiled(value):
    scores, _ = sample()
    scores[[7, 9], 3] = value
    return scores


@pytest.mark.parametrize(
    ("scores", "labels", "options", "words"),
    [
        (spoiled(np.nan), None, {}, "NaN in 2 of 300 rows, the first is row 7"),
        (spoiled(np.inf), None, {}, "infinite values in 2 of 300 rows"),
        (None, np.full(300, 8), {}, "class index 8"),
        (None, np.full(300, -1), {}, "class index -1"),
        (None, np.zeros(300), {}, "integer class indices"),
        (None, np.zeros(299, int), {}, "expected 300"),
        (np.zeros(300, np.float32), None, {}, "expected logits"),
        (np.zeros((0, 3), np.float32), np.zeros(0, int), {}, "No test item"),
        (None, None, {"groups": np.zeros(5)}, "one for each of the 300"),
        (None, None, {"replicates": 0}, "at least 1"),
        (None, None, {"multi_label": True}, "true or false"),
    ],
)
def test_bad_input_is_one_sentence(scores, labels, options, words):
    good_scores, good_labels = sample()
    scores, labels = (
        good if given is None else given for given, good in ((scores, good_scores), (labels, good_labels))
    )
    with pytest.raises(WorkbenchError, match=words):
        classification_metrics(scores, labels, **options)


def test_importing_metrics_imports_no_heavy_library():
    import subprocess
    import sys

    code = "import sys, workbench.metrics; print({'torch','scipy','sklearn','pandas','matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
