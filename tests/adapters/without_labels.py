"""Tasks without labels, and what every recipe that does without them must keep to."""

from dataclasses import replace

import numpy as np

from workbench.plugin import ClassificationTask, LabelledImages
from workbench.testing import planted_task


def unlabelled_task(**options) -> tuple[ClassificationTask, LabelledImages]:
    """A task at 0 shots: its training images are the unlabelled pool."""
    task, test = planted_task(**{"n_classes": 6, "noise": 1.3, "seed": 3, **options})
    empty = task.train.subset([])
    return replace(task, train=empty, val=empty, shots=0, unlabelled=task.train.images), test


def fitted(factory, task, **settings):
    return factory(factory.Config(**settings)).fit(task)


def accuracy(scores, test):
    return float((scores.argmax(axis=1) == test.labels).mean())


def assert_order_is_of_no_matter(predictor, test, tolerance=1e-4):
    """Scores of test images go with the images, whatever order they come in."""
    order = np.random.default_rng(0).permutation(len(test))
    straight, mixed = predictor.scores(test.images), predictor.scores(test.images.subset(order))
    # Scores of some are in the ten thousands, whose last bit in float32 depends on the order in which sums are made.
    np.testing.assert_allclose(mixed, straight[order], rtol=1e-6, atol=tolerance)


def assert_restored_alike(factory, predictor, task, test, folder):
    """What is saved and restored gives the same scores."""
    predictor.save(folder)
    again = factory.restore(folder, task.model, "cpu")
    np.testing.assert_allclose(again.scores(test.images), predictor.scores(test.images), atol=1e-5)
    assert type(again) is type(predictor)
