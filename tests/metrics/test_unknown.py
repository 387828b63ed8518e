"""Known or unknown: scores against their formulas, AUROC and FPR at 95 % TPR against scikit-learn."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import roc_auc_score, roc_curve

from workbench.metrics import Evaluator, estimate_metrics
from workbench.metrics.functional import ones
from workbench.metrics.unknown import METRICS, SCORES, KnownOrNot, known_scores


def planted(n=200, unknown=70, seed=0, decimals=None):
    rng = np.random.default_rng(seed)
    is_known = np.arange(n) < n - unknown  # First, so that ties begin with known ones.
    logits = rng.normal(size=(n, 5)) + 2 * np.eye(5)[rng.integers(0, 5, n)] * is_known[:, None]
    logits = logits if decimals is None else logits.round(decimals)
    right = is_known & (rng.random(n) < 0.8)
    return is_known, logits, right


def test_scores_are_those_of_the_formulas():
    _, logits, _ = planted()
    found = dict(zip(SCORES, known_scores(logits * 10, logits / 10).T, strict=True))
    np.testing.assert_allclose(found["mcm"], scipy_softmax(logits / 10, axis=1).max(axis=1))
    np.testing.assert_allclose(found["msp"], scipy_softmax(logits * 10, axis=1).max(axis=1))
    np.testing.assert_allclose(found["max_logit"], 10 * logits.max(axis=1))
    np.testing.assert_allclose(found["energy"], logsumexp(logits * 10, axis=1))
    assert np.isnan(known_scores(logits, None)[:, 0]).all()


@pytest.mark.parametrize("decimals", [None, 0])  # Of whole numbers many are equal.
def test_auroc_and_fpr_are_those_of_scikit_learn_also_under_weights(decimals):
    is_known, logits, right = planted(decimals=decimals)
    values = known_scores(logits, logits / 3)
    evaluate = Evaluator(METRICS, KnownOrNot(is_known, values, None, right))
    weights = np.random.default_rng(1).integers(0, 3, (3, len(right))).astype(np.float32)
    weights[0] = 1
    found = evaluate(weights)
    assert not [name for name in found if name.startswith(("known_accepted", "unknown_refused", "open_set"))]
    for i in range(len(SCORES)):
        for b, own in enumerate(weights):
            expected = roc_auc_score(is_known, values[:, i], sample_weight=own)
            assert found[f"unknown_auroc/{i}"][b] == pytest.approx(expected, abs=1e-6)
            fpr, tpr, _ = roc_curve(is_known, values[:, i], sample_weight=own, drop_intermediate=False)
            assert found[f"unknown_fpr95/{i}"][b] == pytest.approx(fpr[np.argmax(tpr >= 0.95 - 1e-9)])


def test_decisions_are_counted():
    is_known, logits, right = planted()
    accepted = known_scores(logits, logits)[:, 2:] > 1.5
    subject = KnownOrNot(is_known, known_scores(logits, logits)[:, 2:], accepted, right)
    found = Evaluator(METRICS, subject)(ones(len(right)))
    for i in range(2):
        taken = accepted[:, i]
        assert found[f"known_accepted/{i}"][0] == pytest.approx(taken[is_known].mean())
        assert found[f"unknown_refused/{i}"][0] == pytest.approx(1 - taken[~is_known].mean())
        answered = [bool(t and r) if k else not t for k, t, r in zip(is_known, taken, right, strict=True)]
        assert found[f"open_set_accuracy/{i}"][0] == pytest.approx(np.mean(answered))


def test_a_score_that_is_not_defined_has_no_metric_and_intervals_hold_the_value():
    is_known, logits, right = planted()
    values = known_scores(logits, None)
    subject = KnownOrNot(is_known, values, values >= 0.5, right)
    found = estimate_metrics(METRICS, subject, len(right), replicates=200)
    assert {name.partition("/")[2] for name in found} == {"1", "2", "3"}
    assert all(0 <= each.low <= each.value <= each.high <= 1 for each in found.values())
    assert all(each.low < each.high for each in found.values())


@pytest.mark.parametrize("known", [True, False])
def test_images_of_one_kind_leave_undefined_what_compares_both(known):
    _, logits, right = planted()
    subject = KnownOrNot(np.full(len(right), known), known_scores(logits, None), np.ones((200, 4)), right & known)
    names = {name.partition("/")[0] for name in Evaluator(METRICS, subject)(ones(len(right)))}
    assert names == {"open_set_accuracy", "known_accepted" if known else "unknown_refused"}
