"""ProLIP against its published loop on planted features: full-batch Adam on the projection itself."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from adapters.prolip import Prolip, ProlipConfig
from tests.adapters.planted import BIASED, NUISANCE, STRONG, clip_task
from workbench import class_embeddings


def accuracy(scores, test):
    return float((np.asarray(scores).argmax(axis=1) == test.labels).mean())


def published(task, test, epochs=300, rate=1e-5):
    """Train W by cross-entropy and ||W - W0||^2 / shots; features as they are."""
    pooled, _, labels = (torch.as_tensor(own) for own in _features(task.train))
    text = torch.as_tensor(class_embeddings(task.model, task.prompts.sentences("ensemble")))
    start = torch.linalg.lstsq(*(torch.as_tensor(own) for own in _features(test)[:2])).solution  # enough images to tell
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([weight], lr=rate, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for _ in range(epochs):
        logits = task.model.logit_scale * F.normalize(pooled @ weight, dim=1) @ text.T
        loss = F.cross_entropy(logits, labels) + (weight - start).square().sum() / task.shots
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return F.normalize(torch.as_tensor(_features(test)[0]) @ weight, dim=1) @ text.T


def _features(data):
    return data.images.features.pooled, data.images.features.projected, data.labels


@pytest.mark.parametrize("shots", [1, 4, 16])
@pytest.mark.parametrize("val", [0, 4], ids=["without validation", "with validation"])
def test_it_reaches_what_the_published_loop_reaches(shots, val):
    ours, theirs, zero_shot = [], [], []
    for seed in (0, 1):
        task, test = clip_task(shots, val_shots=min(val, shots), seed=seed, geometry=BIASED)
        ours.append(accuracy(Prolip(ProlipConfig()).fit(task).scores(test.images), test))
        theirs.append(accuracy(published(task, test), test))
        text = class_embeddings(task.model, task.prompts.sentences("ensemble"))
        zero_shot.append(accuracy(test.images.features.projected @ text.T, test))
    assert np.mean(ours) >= np.mean(theirs) - 0.02
    assert np.mean(ours) > np.mean(zero_shot) + 0.05


@pytest.mark.parametrize("shots", [1, 4])
def test_a_text_that_cannot_be_bettered_is_kept(shots):
    task, test = clip_task(shots, geometry=STRONG)
    text = class_embeddings(task.model, task.prompts.sentences("ensemble"))
    found = accuracy(Prolip(ProlipConfig()).fit(task).scores(test.images), test)
    assert found >= accuracy(test.images.features.projected @ text.T, test) - 0.02


def test_the_papers_budget_moves_as_the_published_loop_does():
    task, test = clip_task(1, geometry=NUISANCE)
    fitted = Prolip(ProlipConfig(preset="paper")).fit(task)
    assert fitted.report.chosen["steps"] == 300
    ours, theirs = (F.normalize(torch.as_tensor(s), dim=1) for s in (fitted.scores(test.images), published(task, test)))
    assert float((ours * theirs).sum(dim=1).mean()) > 0.97
    assert ProlipConfig(preset="paper", steps=7).steps == 7


def test_no_step_is_zero_shot_and_what_is_saved_scores_alike(tmp_path):
    task, test = clip_task(4)
    text = class_embeddings(task.model, task.prompts.sentences("ensemble"))
    still = Prolip(ProlipConfig(default_steps=0)).fit(clip_task(1)[0])
    x = test.images.features.projected / np.linalg.norm(test.images.features.projected, axis=1, keepdims=True)
    np.testing.assert_allclose(still.scores(test.images), task.model.logit_scale * x @ text.T, atol=1e-3)
    fitted = Prolip(ProlipConfig()).fit(task)
    fitted.save(tmp_path)
    restored = Prolip.restore(tmp_path, task.model, "cpu")
    np.testing.assert_array_equal(restored.scores(test.images), fitted.scores(test.images))
