"""Domain alignment gives source features the target's moments, and heads fitted on them stand a shift of domains."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from adapters.domain_alignment import DomainAlignment, _Maps
from adapters.linear_probe import LinearProbe
from tests.adapters.without_labels import accuracy, assert_order_is_of_no_matter, assert_restored_alike, fitted
from workbench.errors import RecipeError
from workbench.images import Features, ImageSet
from workbench.plugin import LabelledImages, normalise
from workbench.testing import planted_task


def other_domain(images, mixing, shift):
    """The same images as another camera shows them: features mixed and shifted."""

    def load():
        seen = images.features
        return Features(seen.pooled @ mixing[0] + shift[0], seen.projected @ mixing[1] + shift[1])

    return ImageSet(len(images), load, images.decode)


@pytest.fixture(scope="module")
def shifted():
    """A source task with a pool of the target, and test images of the target; the model's space is turned and moved."""
    task, test = planted_task(n_classes=5, noise=1.0, shots=24, test_size=80, seed=1)
    rng = np.random.default_rng(0)
    sizes = [task.train.images.features.pooled.shape[1], task.train.images.features.projected.shape[1]]
    scale = [np.abs(task.train.images.features.pooled).mean(), np.abs(task.train.images.features.projected).mean()]
    mixing = [np.diag(rng.uniform(0.4, 1.6, d)).astype(np.float32) for d in sizes]
    shift = [(4 * s * rng.normal(size=d)).astype(np.float32) for s, d in zip(scale, sizes, strict=True)]
    half = np.arange(len(test)) % 2 == 0
    pool = other_domain(test.images.subset(np.flatnonzero(half)), mixing, shift)
    tested = test.subset(np.flatnonzero(~half))
    target = LabelledImages(other_domain(tested.images, mixing, shift), tested.labels)
    return replace(task, unlabelled=pool), target


@pytest.mark.parametrize("moments", ["mean", "coral"])
def test_aligned_features_have_the_moments_of_the_target(moments):
    rng = np.random.default_rng(0)
    source = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=6)
    target = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) - rng.normal(size=6)
    maps = _Maps.between(source.astype(np.float32), target.astype(np.float32), moments)
    aligned, seen = maps.of_source(source.astype(np.float32)), normalise(target) - maps.of_target
    np.testing.assert_allclose(aligned.mean(axis=0), seen.mean(axis=0), atol=1e-5)
    if moments == "coral":
        np.testing.assert_allclose(np.cov(aligned.T), np.cov(seen.T), atol=0.02)
        white, colour = (LedoitWolf().fit(normalise(each)).covariance_ for each in (source, target))
        expected = np.linalg.inv(sqrtm(white)) @ sqrtm(colour)
        x = normalise(source) - normalise(source).mean(axis=0)
        np.testing.assert_allclose(aligned, x @ expected + normalise(target).mean(axis=0), atol=1e-4)


@pytest.mark.parametrize("moments", ["mean", "coral"])
def test_it_makes_up_for_a_shift_that_a_probe_does_not_stand(shifted, moments):
    task, target = shifted
    plain = accuracy(fitted(LinearProbe, replace(task, unlabelled=None)).scores(target.images), target)
    aligned = accuracy(fitted(DomainAlignment, task, moments=moments).scores(target.images), target)
    assert aligned > plain + 0.1


def test_scores_are_those_of_a_probe_on_features_less_the_means(shifted):
    task, target = shifted
    found = fitted(DomainAlignment, task, base_settings={"features": "projected"})
    penalty = float(found.report.chosen["penalty"])
    x = normalise(task.train.images.features.projected)
    pool = normalise(task.unlabelled.features.projected)
    train = normalise(x - x.mean(axis=0))
    test = normalise(normalise(target.images.features.projected) - pool.mean(axis=0))
    probe = LogisticRegression(C=1 / (penalty * len(train)), max_iter=5000).fit(train, task.train.labels)
    expected = probe.predict(test)
    assert (found.scores(target.images).argmax(axis=1) == expected).mean() > 0.97


@pytest.mark.parametrize("base", ["linear-probe", "nearest-class-mean", "knn", "gda"])
def test_every_base_is_saved_and_answers_for_each_image_by_itself(shifted, base, tmp_path):
    task, target = shifted
    predictor = fitted(DomainAlignment, task, base=base)
    assert_order_is_of_no_matter(predictor, target)
    one = predictor.scores(target.images.subset([3]))
    np.testing.assert_allclose(one, predictor.scores(target.images)[3:4], atol=1e-4)
    assert_restored_alike(DomainAlignment, predictor, task, target, tmp_path)


def test_without_unlabelled_or_training_images_it_says_what_is_missing(shifted):
    task, _ = shifted
    with pytest.raises(RecipeError, match="needs unlabelled images"):
        fitted(DomainAlignment, replace(task, unlabelled=None))
    with pytest.raises(RecipeError, match="needs labelled training images"):
        fitted(DomainAlignment, replace(task, train=task.train.subset([])))
