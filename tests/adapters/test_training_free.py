"""Nearest class mean, kNN, Tip-Adapter and GDA against scikit-learn and naive loops."""

import numpy as np
import torch
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from adapters._heads.cache import neighbour_votes, row_slices
from adapters.gda import Gda, discriminant
from adapters.knn import Knn
from adapters.nearest_class_mean import NearestClassMean
from adapters.tip_adapter import TipAdapter
from workbench.plugin import normalise
from workbench.testing import one_hot, planted_task


def tensors(x, y, n_classes):
    target = torch.as_tensor(one_hot(y, n_classes)).double()[None]
    return torch.as_tensor(x).double()[None], target, torch.ones(1, len(x), dtype=torch.float64)


def unit(data):
    return normalise(data.images.features.projected)


def test_nearest_class_mean_is_scikit_learns_on_the_sphere():
    task, test = planted_task(noise=1.5, shots=6)
    predictor = NearestClassMean(NearestClassMean.Config(features="projected")).fit(task)
    theirs = NearestCentroid().fit(unit(task.train), task.train.labels)
    theirs.centroids_ = normalise(theirs.centroids_)
    scores = predictor.scores(test.images)
    np.testing.assert_array_equal(scores.argmax(1), theirs.predict(unit(test)))
    np.testing.assert_allclose(scores / predictor.scale, unit(test) @ theirs.centroids_.T, atol=1e-5)


def test_knn_is_scikit_learns_with_the_same_weights():
    task, test = planted_task(noise=2.0, shots=7)
    k, t = 6, 0.05
    predictor = Knn(Knn.Config(features="projected", neighbours=(k,), temperatures=(t,))).fit(task)
    theirs = KNeighborsClassifier(k, metric="cosine", algorithm="brute", weights=lambda d: np.exp(-d / t))
    expected = theirs.fit(unit(task.train), task.train.labels).predict_proba(unit(test))
    found = softmax(predictor.scores(test.images), axis=1)
    np.testing.assert_allclose(found, 0.999 * expected + 0.001 / task.n_classes, atol=1e-4)


def test_knn_with_more_neighbours_than_images_lets_all_vote():
    x, target, mask = tensors(np.eye(3, 4, dtype=np.float32), np.array([0, 1, 1]), 2)
    affinity = x @ x.mT
    all_of_them, more = (neighbour_votes(affinity, target, mask, [k], [1.0]) for k in (3, 50))
    torch.testing.assert_close(all_of_them, more)


def test_padding_never_votes():
    rng = np.random.default_rng(0)
    x, target, mask = tensors(rng.normal(size=(5, 4)), np.array([0, 1, 2, 0, 1]), 3)
    query = torch.as_tensor(rng.normal(size=(1, 6, 4)))
    padded = (torch.cat([own, torch.zeros(1, 3, *own.shape[2:]).double()], dim=1) for own in (x, target, mask))
    x_more, target_more, mask_more = padded
    votes = neighbour_votes(query @ x.mT, target, mask, [2, 9], [0.5])
    torch.testing.assert_close(neighbour_votes(query @ x_more.mT, target_more, mask_more, [2, 9], [0.5]), votes)


def test_rows_are_cut_into_slices_that_cover_them():
    for rows, keys in ((10, 3), (7, 2**23), (0, 5), (3, 2**30)):
        covered = np.concatenate([np.arange(rows)[own] for own in row_slices(rows, keys)])
        np.testing.assert_array_equal(covered, np.arange(rows))


def test_tip_adapter_is_the_naive_loop():
    task, test = planted_task(n_classes=4, noise=1.5, shots=3, test_size=4)
    settings = {"text_weights": (1.0,), "alphas": (2.5,), "betas": (5.5,)}
    predictor = TipAdapter(TipAdapter.Config(features="pooled", **settings)).fit(task)
    keys, query = unit(task.train), unit(test)
    text = normalise(task.model.encode_texts(list(task.class_names)))
    expected = np.zeros((len(query), 4))
    for i, q in enumerate(query):
        for c in range(4):
            expected[i, c] = 100 * q @ text[c]
            for key, label in zip(keys, task.train.labels, strict=True):
                if label == c:
                    expected[i, c] += 2.5 * np.exp(-5.5 * (1 - q @ key))
    np.testing.assert_allclose(predictor.scores(test.images), expected, rtol=1e-4, atol=1e-4)


class FixedCovariance:
    """Stands for scikit-learn's estimator of the covariance within a class."""

    def __init__(self, covariance):
        self.covariance_ = covariance

    def get_params(self, deep=True):
        return {"covariance": self.covariance_}

    def fit(self, x):
        return self


def published_precision(x, y, n_classes):
    """Wang et al.'s estimate, written with NumPy's covariance."""
    centred = np.concatenate([x[y == c] - x[y == c].mean(0) for c in range(n_classes)])
    covariance, d = np.cov(centred.T), x.shape[1]
    return d * np.linalg.inv((len(x) - 1) * covariance + np.trace(covariance) * np.eye(d))


def test_gda_is_scikit_learns_discriminant_with_the_same_covariance():
    for shots, dim in ((4, 32), (20, 16)):  # More dimensions than images, and the other way round.
        task, test = planted_task(n_classes=5, shots=shots, dim=dim)
        x, y, query = unit(task.train).astype(float), task.train.labels, unit(test).astype(float)
        precision = published_precision(x, y, 5)
        lda = LinearDiscriminantAnalysis(
            solver="lsqr", priors=np.full(5, 0.2), covariance_estimator=FixedCovariance(np.linalg.inv(precision))
        ).fit(x, y)
        weight, bias = discriminant(*tensors(x, y, 5))
        found = query @ weight[0].numpy().T + bias[0].numpy()
        np.testing.assert_allclose(found + np.log(0.2), lda.decision_function(query), rtol=1e-6, atol=1e-6)


def test_gda_scores_blend_the_discriminant_with_zero_shot():
    task, test = planted_task(n_classes=5, shots=6)
    predictor = Gda(Gda.Config(features="projected", text_weights=(1.0,), alphas=(0.7,))).fit(task)
    x, y = unit(task.train).astype(float), task.train.labels
    precision = published_precision(x, y, 5)
    means = np.stack([x[y == c].mean(0) for c in range(5)])
    weight = means @ precision
    visual = unit(test) @ weight.T - np.einsum("cd,cd->c", weight, means) / 2
    text = 100 * unit(test) @ normalise(task.model.encode_texts(list(task.class_names))).T
    np.testing.assert_allclose(predictor.scores(test.images), 0.7 * visual + text, rtol=1e-4, atol=1e-3)


def test_gda_with_one_image_a_class_still_discriminates():
    task, test = planted_task(n_classes=5, shots=1, noise=0.3)
    predictor = Gda(Gda.Config(text_weights=(0.0,))).fit(task)
    assert (predictor.scores(test.images).argmax(1) == test.labels).mean() > 0.9
