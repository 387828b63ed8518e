"""ProLIP learns the difference to the pretrained projection, which need not be known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters.prolip import Prolip
from adapters.zero_shot import ZeroShot
from tests.adapters.planted import BIASED, clip_task
from workbench.plugin import Features, normalise
from workbench.recipes import recipes
from workbench.testing import feature_images

SMALL = replace(BIASED, n_classes=6, dim=16)


def fitted(task, **settings):
    return Prolip(Prolip.Config(**settings)).fit(task)


def shifted(data, bias):
    """The same pooled features behind a projection with a bias."""
    features = data.images.features
    return replace(data, images=feature_images(Features(features.pooled, features.projected + bias)))


def test_it_is_registered():
    assert recipes.get("prolip") is Prolip


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_the_difference_is_that_of_a_projection_trained_with_pytorch(bias):
    """At 300 full-batch steps of Adam; a bias stays what it is, as that of CLIP's ResNets does."""
    task, test = clip_task(3, test_size=4, geometry=SMALL)
    offset = bias * np.random.default_rng(0).normal(size=16).astype(np.float32)
    task, test = replace(task, train=shifted(task.train, offset)), shifted(test, offset)
    predictor = fitted(task, preset="paper", learning_rate=1e-3)
    layer = torch.nn.Linear(32, 16).double()
    before = torch.as_tensor(task.model.projection).T
    layer.weight.data, layer.bias.data = before.clone(), torch.as_tensor(offset).double()
    layer.bias.requires_grad_(False)
    optimiser = torch.optim.Adam([layer.weight], lr=1e-3, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 300)
    text = torch.as_tensor(normalise(task.model.encode_texts(list(task.class_names)))).double()

    def logits(data):
        pooled = torch.as_tensor(data.images.features.pooled).double()
        return 100 * torch.nn.functional.normalize(layer(pooled), dim=1) @ text.T

    for _ in range(300):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits(task.train), torch.as_tensor(task.train.labels))
        (loss + (layer.weight - before).square().sum() / 3).backward()
        optimiser.step()
        schedule.step()
    expected = logits(test).detach().numpy()
    assert not np.allclose(ZeroShot(ZeroShot.Config()).fit(task).scores(test.images), expected, atol=0.5)
    np.testing.assert_allclose(predictor.scores(test.images), expected, atol=5e-3)


def test_a_stronger_penalty_stays_nearer_to_the_pretrained_projection():
    task, _ = clip_task(4, geometry=SMALL)
    moved = [
        np.linalg.norm(fitted(task, preset="paper", learning_rate=1e-3, strengths=(s,)).arrays["difference"])
        for s in (0.0001, 1.0, 1e4)
    ]
    assert moved[0] > 1.05 * moved[1] > 1.05 * moved[2]
    assert moved[2] < 0.05 * moved[0]


def test_features_keep_their_lengths():
    """The published rule sees features as long as they are: an image whose features are short moves as far."""
    task, test = clip_task(4, test_size=4, geometry=SMALL)
    predictor = fitted(task)
    features = test.images.features
    half = feature_images(Features(features.pooled / 2, features.projected / 2))
    np.testing.assert_allclose(predictor.scores(half), predictor.scores(test.images), atol=1e-3)


def test_a_model_without_a_projection_gets_a_linear_map_beside_it():
    task, test = clip_task(16, test_size=40, geometry=replace(BIASED, n_classes=6, dim=32))

    def alone(data):
        projected = data.images.features.projected
        return replace(data, images=feature_images(Features(projected, projected)))

    own, seen = replace(task, train=alone(task.train)), alone(test)
    scores = fitted(own).scores(seen.images)
    zero_shot = ZeroShot(ZeroShot.Config()).fit(own).scores(seen.images)
    right = [(own.argmax(axis=1) == seen.labels).mean() for own in (scores, zero_shot)]
    assert right[0] > right[1] + 0.05


def test_without_a_step_it_is_zero_shot_and_what_is_saved_scores_alike(tmp_path):
    task, test = clip_task(1, test_size=4, geometry=SMALL)
    zero_shot = ZeroShot(ZeroShot.Config()).fit(task).scores(test.images)
    np.testing.assert_allclose(fitted(task, default_steps=0).scores(test.images), zero_shot, atol=1e-3)
    predictor = fitted(task)
    predictor.save(tmp_path)
    restored = Prolip.restore(tmp_path, task.model, "cpu")
    np.testing.assert_array_equal(restored.scores(test.images), predictor.scores(test.images))
