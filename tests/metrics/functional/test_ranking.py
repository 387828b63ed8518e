import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from torchmetrics.functional.classification import multiclass_auroc, multilabel_average_precision

from workbench.metrics import functional as F
from workbench.metrics.functional import ranking


def sample(n=200, c=6, decimals=None, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(c, n, p=np.arange(c, 0, -1) / (c * (c + 1) / 2))
    scores = rng.normal(size=(n, c)).astype(np.float32)
    scores[np.arange(n), labels] += 1
    if decimals is not None:
        scores = np.round(scores, decimals)
    return scores, labels[:, None] == np.arange(c)


def drawn(n, b, seed=3):
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=b).astype(np.float32)


@pytest.mark.parametrize("decimals", [None, 0], ids=["distinct", "ties"])
@pytest.mark.parametrize("block", [1, 1 << 25], ids=["item by item", "one block"])
def test_every_weight_vector_agrees_with_scikit_learn(monkeypatch, decimals, block):
    monkeypatch.setattr(ranking, "_BLOCK_BYTES", block)
    scores, targets = sample(decimals=decimals)
    w = drawn(len(scores), 4)
    auroc, precision = F.Ranking(scores, targets, macro=False)(w)
    for b, row in enumerate(w):
        for c in range(6):
            args = (targets[:, c], scores[:, c])
            assert auroc[b, c] == pytest.approx(sk.roc_auc_score(*args, sample_weight=row), abs=1e-6)
            assert precision[b, c] == pytest.approx(sk.average_precision_score(*args, sample_weight=row), abs=1e-6)


def test_macro_averages_agree_with_torchmetrics():
    scores, targets = sample()
    logits = torch.from_numpy(scores)
    expected = multiclass_auroc(logits, torch.from_numpy(targets.argmax(axis=1)), 6)
    # torchmetrics ranks softmax probabilities, so hand them to ours too.
    probabilities = torch.softmax(logits, dim=1).numpy()
    assert F.auroc(probabilities, targets)[0] == pytest.approx(float(expected), abs=1e-5)
    expected = multilabel_average_precision(logits, torch.from_numpy(targets.astype(int)), 6)
    assert F.average_precision(scores, targets)[0] == pytest.approx(float(expected), abs=1e-5)


def test_undefined_classes_are_left_out_of_the_mean():
    scores, targets = sample()
    padded = np.concatenate([scores, scores[:, :2]], axis=1)
    extended = np.concatenate([targets, np.zeros((200, 1), bool), np.ones((200, 1), bool)], axis=1)
    per_class, _ = F.Ranking(padded, extended, macro=False)(F.ones(200))
    assert np.isnan(per_class[0, 6:]).all()
    assert F.auroc(padded, extended) == F.auroc(scores, targets)
    assert np.isnan(F.auroc(scores, np.ones_like(targets))).all()


def test_a_class_that_a_resample_misses_is_left_out_of_that_mean():
    scores, targets = sample(c=3)
    w = np.where(targets[:, 1], 0, 1).astype(np.float32)[None]
    kept = ~targets[:, 1]
    macro, _ = F.Ranking(scores, targets)(w)
    expected = np.mean([sk.roc_auc_score(targets[kept, c], scores[kept, c]) for c in (0, 2)])
    assert macro[0] == pytest.approx(expected, abs=1e-6)


def test_a_constant_score_is_chance():
    _, targets = sample()
    scores = np.zeros(targets.shape, np.float32)
    assert F.auroc(scores, targets)[0] == pytest.approx(0.5)
    assert F.average_precision(scores, targets)[0] == pytest.approx(targets.mean(axis=0).mean())


def test_monotone_transforms_and_permutations_change_nothing():
    scores, targets = sample()
    order = np.random.default_rng(9).permutation(len(scores))
    expected = F.Ranking(scores, targets)(F.ones(200))
    np.testing.assert_allclose(F.Ranking(np.exp(scores), targets)(F.ones(200)), expected)
    np.testing.assert_allclose(F.Ranking(scores[order], targets[order])(F.ones(200)), expected)


@pytest.mark.parametrize("decimals", [None, 1], ids=["distinct", "ties"])
def test_weighted_values_over_known_items_are_scikit_learns(decimals):
    scores, targets = sample(decimals=decimals)
    known, weights = np.random.default_rng(6).random(targets.shape) < 0.6, drawn(200, 3)
    found = F.Ranking(scores, targets & known, macro=False, known=known)(weights)
    for metric, values in zip((sk.roc_auc_score, sk.average_precision_score), found, strict=True):
        expected = [
            [metric(targets[rows, c], scores[rows, c], sample_weight=w[rows]) for c, rows in enumerate(known.T)]
            for w in weights
        ]
        np.testing.assert_allclose(values, expected, atol=1e-5)


@pytest.mark.parametrize("share_known", [1.0, 0.6])
@pytest.mark.parametrize("decimals", [None, 1], ids=["distinct", "ties"])
@pytest.mark.parametrize("macro", [True, False])
def test_the_expansion_has_the_exact_value_and_slope(decimals, macro, share_known):
    scores, targets = sample(decimals=decimals)
    known = None if share_known == 1 else np.random.default_rng(6).random(targets.shape) < share_known
    targets = targets if known is None else targets & known
    exact, first_order = (
        F.Ranking(scores, targets, macro=macro, exact_pairs=pairs, known=known) for pairs in (1 << 26, 0)
    )
    assert exact.exact
    assert not first_order.exact
    np.testing.assert_allclose(first_order(F.ones(200)), exact(F.ones(200)), atol=2e-6)
    # A slope by central differences, from weights that are far enough apart for float32.
    direction = np.random.default_rng(4).normal(size=(3, 200)).astype(np.float32)
    slope = [(np.array(f(1 + 0.02 * direction)) - f(1 - 0.02 * direction)) / 0.04 for f in (exact, first_order)]
    np.testing.assert_allclose(slope[1], slope[0], rtol=0.02, atol=5e-4)
    assert np.abs(slope[0]).max() > 0.02


def test_the_expansion_has_the_exact_spread():
    scores, targets = sample(n=1500)
    w = drawn(1500, 300)
    exact, first_order = (np.std(F.Ranking(scores, targets, exact_pairs=p)(w), axis=1) for p in (1 << 26, 0))
    np.testing.assert_allclose(first_order, exact, rtol=0.06)
