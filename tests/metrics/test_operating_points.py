"""Thresholds of operating points against a search by hand, and measures at them against scikit-learn and simulation."""

import numpy as np
import pytest
from scipy.special import expit, ndtr
from sklearn.metrics import average_precision_score, confusion_matrix, matthews_corrcoef, roc_auc_score, roc_curve

from workbench.errors import DataError
from workbench.metrics import estimate_metrics
from workbench.metrics.decisions import METRICS, Decisions
from workbench.metrics.operating_points import choose_threshold, parse_point, positive_log_odds


def planted(n, seed=0, shift=1.5, share=0.3, decimals=None):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    scores = rng.normal(size=n) + shift * positive
    return (scores if decimals is None else scores.round(decimals)), positive


def counts(scores, positive, threshold):
    tn, fp, fn, tp = confusion_matrix(positive, scores >= threshold, labels=[False, True]).ravel()
    return tp / (tp + fn), tn / (tn + fp), fp, fn


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(5))
def test_thresholds_are_the_best_of_all(decimals, seed):
    scores, positive = planted(80, seed, decimals=decimals)
    edges = [
        -np.inf,
        *((a + b) / 2 for a, b in zip(np.unique(scores)[:-1], np.unique(scores)[1:], strict=True)),
        np.inf,
    ]
    table = [counts(scores, positive, edge) for edge in edges]
    chosen = {p: counts(scores, positive, choose_threshold(p, scores, positive)) for p in
              ("youden", "cost=3", "sensitivity=0.9", "specificity=0.85")}  # fmt: skip
    correlations = [matthews_corrcoef(positive, scores >= edge) for edge in edges]
    best = choose_threshold("mcc", scores, positive)
    assert matthews_corrcoef(positive, scores >= best) == pytest.approx(max(correlations))
    assert sum(chosen["youden"][:2]) == pytest.approx(max(a + b for a, b, _, _ in table))
    assert 3 * chosen["cost=3"][3] + chosen["cost=3"][2] == min(3 * fn + fp for _, _, fp, fn in table)
    # Of all that reach it the one that costs least of the other.
    assert chosen["sensitivity=0.9"][0] >= 0.9
    assert chosen["sensitivity=0.9"][1] == max(b for a, b, _, _ in table if a >= 0.9)
    assert chosen["specificity=0.85"][1] >= 0.85
    assert chosen["specificity=0.85"][0] == max(a for a, b, _, _ in table if b >= 0.85)


def test_what_is_no_point_is_refused():
    for text in (
        "yuoden",
        "youden=1",
        "mcc=2",
        "sensitivity",
        "sensitivity=95",
        "cost=-1",
        "specificity=x",
        "cost=inf",
    ):
        with pytest.raises(ValueError, match="is no operating point"):
            parse_point(text)
    with pytest.raises(DataError, match="3 positive and 0 negative"):
        choose_threshold("youden", np.arange(3.0), np.ones(3, bool))


def test_log_odds_of_several_classes():
    logits = np.random.default_rng(0).normal(size=(6, 4)) * 5
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(expit(positive_log_odds(logits, (1, 3))), chance[:, [1, 3]].sum(axis=1))
    for wrong in ((), (0, 1, 2, 3)):
        with pytest.raises(DataError, match="expected some of 4 classes, and not all"):
            positive_log_odds(logits, wrong)


@pytest.mark.parametrize("decimals", [None, 1])
def test_measures_of_the_ranking_are_those_of_scikit_learn(decimals):
    scores, positive = planted(300, decimals=decimals)
    found = estimate_metrics(METRICS, Decisions(positive, np.zeros((300, 0)), scores), 300)
    assert found["positive_auroc"].value == pytest.approx(roc_auc_score(positive, scores))
    assert found["positive_average_precision"].value == pytest.approx(average_precision_score(positive, scores))
    alarms, recall, _ = roc_curve(positive, scores, drop_intermediate=False)
    for i, specificity in enumerate((0.9, 0.95)):
        expected = recall[alarms <= 1 - specificity + 1e-12].max()
        assert found[f"sensitivity_at_specificity/{i}"].value == pytest.approx(expected)


def test_without_positives_there_is_nothing_to_say_of_them():
    found = estimate_metrics(METRICS, Decisions(np.zeros(9, bool), np.ones((9, 1)), np.arange(9.0)), 9)
    assert set(found) == {"specificity_at/0", "ppv_at/0"}
    assert found["specificity_at/0"].value == 0


@pytest.mark.parametrize("groups", [False, True])
def test_intervals_hold_the_truth(groups):
    """300 test sets: a threshold that is fixed, and the point of the ROC curve, whose truth is the normal one."""
    threshold, specificity = 0.8, 0.9
    truth = {
        "sensitivity_at/0": 1 - ndtr(threshold - 1.5), "specificity_at/0": ndtr(threshold),
        "sensitivity_at_specificity/0": 1 - ndtr(1.2815515594 - 1.5),
    }  # fmt: skip
    chance = 0.3
    tp, fp = chance * truth["sensitivity_at/0"], (1 - chance) * (1 - truth["specificity_at/0"])
    truth["ppv_at/0"] = tp / (tp + fp)
    tp, fp = 0.02 * truth["sensitivity_at/0"], 0.98 * (1 - truth["specificity_at/0"])
    truth["ppv_at_prevalence/0"] = tp / (tp + fp)
    held = dict.fromkeys(truth, 0)
    repeats = 300
    rng = np.random.default_rng(1)
    for _ in range(repeats):
        n = 160
        if groups:  # Images of a patient are of one kind, and their scores are correlated.
            codes = np.repeat(np.arange(n // 2), 2)
            positive = (rng.random(n // 2) < chance)[codes]
            scores = np.sqrt(0.5) * (rng.normal(size=n // 2)[codes] + rng.normal(size=n)) + 1.5 * positive
        else:
            codes, positive = None, rng.random(n) < chance
            scores = rng.normal(size=n) + 1.5 * positive
        decisions = Decisions(positive, (scores >= threshold)[:, None], scores, prevalence=0.02)
        found = estimate_metrics(METRICS, decisions, n, codes, replicates=300)
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    assert specificity == 0.9
    # 3.5 standard errors below 95 %.
    assert {name: count / repeats for name, count in held.items() if count / repeats < 0.906} == {}
