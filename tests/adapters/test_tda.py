"""TDA against a short implementation with dictionaries of lists, image by image."""

from math import exp, log, log2

import numpy as np
import pytest

from adapters.tda import Tda
from adapters.zero_shot import ZeroShot
from tests.adapters.without_labels import fitted, unlabelled_task
from workbench.plugin import normalise
from workbench.tasks.classification.online import stream_orders, stream_scores


def published(x, logits, positive=(3, 2.0, 5.0), negative=(2, 0.117, 1.0), entropies=(0.2, 0.5), small=0.03):
    """Logits of images that come in this order."""
    caches, found = ({}, {}), []
    for own, own_logits in zip(x, logits, strict=True):
        p = np.exp(own_logits - own_logits.max())
        p /= p.sum()
        entropy = -sum(v * log(v) for v in p if v > 0)
        guess = int(p.argmax())
        middling = entropies[0] < entropy / log2(len(p)) < entropies[1]
        for cache, capacity, takes in ((caches[0], positive[0], True), (caches[1], negative[0], middling)):
            if takes and capacity:
                held = cache.setdefault(guess, [])
                if len(held) < capacity:
                    held.append((entropy, own, p))
                elif entropy < held[-1][0]:
                    held[-1] = (entropy, own, p)
                held.sort(key=lambda item: item[0])
        scores = own_logits.astype(float).copy()
        for c, held in caches[0].items():
            scores[c] += sum(positive[1] * exp(-positive[2] * (1 - key @ own)) for _, key, _ in held)
        for held in caches[1].values():
            for _, key, then in held:
                scores -= negative[1] * exp(-negative[2] * (1 - key @ own)) * ((then > small) & (then < 1))
        found.append(scores)
    return np.array(found)


SETTINGS = [
    ({}, {}),
    ({"positive_capacity": 1, "negative_capacity": 0}, {"positive": (1, 2.0, 5.0), "negative": (0, 0.117, 1.0)}),
    (
        {"positive_alpha": 3.0, "positive_beta": 2.0, "negative_alpha": 2.0, "entropy_range": (0.01, 0.9)},
        {"positive": (3, 3.0, 2.0), "negative": (2, 2.0, 1.0), "entropies": (0.01, 0.9)},
    ),
]


@pytest.mark.parametrize(("settings", "named"), SETTINGS)
def test_scores_are_those_of_the_paper(settings, named):
    task, test = unlabelled_task(test_size=20, text_noise=1.5)
    task.model.logit_scale = 20.0  # So that entropies are middling for some.
    order = stream_orders(len(test))[0]
    x = normalise(test.images.features.projected).astype(float)[order]
    logits = fitted(ZeroShot, task).scores(test.images).astype(float)[order]
    scores = stream_scores(fitted(Tda, task, **settings), test.images, order)
    np.testing.assert_allclose(scores[order], published(x, logits, **named), atol=1e-4)


def test_it_learns_on_the_way_and_begins_anew(tmp_path):
    task, test = unlabelled_task(test_size=60, text_noise=1.5, noise=1.0)
    task.model.logit_scale = 20.0
    predictor, plain = fitted(Tda, task), fitted(ZeroShot, task).scores(test.images)
    order = np.random.default_rng(0).permutation(len(test))
    first = stream_scores(predictor, test.images, order)
    assert (first.argmax(axis=1) == test.labels).mean() > (plain.argmax(axis=1) == test.labels).mean()
    np.testing.assert_array_equal(stream_scores(predictor, test.images, order), first)
    assert not np.array_equal(stream_scores(predictor, test.images, order[::-1]), first)
    predictor.save(tmp_path)
    again = Tda.restore(tmp_path, task.model, "cpu")
    np.testing.assert_allclose(stream_scores(again, test.images, order), first, atol=1e-5)


def test_later_images_change_no_earlier_answer():
    task, test = unlabelled_task(test_size=20)
    predictor, order = fitted(Tda, task), np.arange(len(test))
    whole = stream_scores(predictor, test.images, order)
    some = test.images.subset(order[:30])
    np.testing.assert_array_equal(stream_scores(predictor, some, np.arange(30)), whole[:30])
