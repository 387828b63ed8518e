"""The preset `paper`: the published rule as it stands, one task or many at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from adapters._heads.batches import batch_tasks
from adapters._heads.few_shot import few_shots
from adapters._heads.minibatches import Budget, Epochs
from adapters.clap import Clap
from adapters.clip_adapter import ClipAdapter
from adapters.coop import Coop
from adapters.cross_modal_probe import CrossModalProbe
from adapters.prolip import Prolip
from adapters.task_res import TaskRes
from adapters.tip_adapter_f import TipAdapterF
from tests.adapters import published
from tests.adapters.planted import BIASED, clip_task

SMALL = replace(BIASED, n_classes=10, dim=32)
RULES = {
    TaskRes: published.task_res,
    ClipAdapter: published.clip_adapter,
    Clap: published.clap,
    CrossModalProbe: lambda task: published.cross_modal_probe(task, iterations=800),
    TipAdapterF: published.tip_adapter_f,
    Prolip: published.prolip,
}
SETTINGS = {CrossModalProbe: {"steps": 800}}


def make(factory, **settings):
    return factory(factory.Config(**{"preset": "paper", **SETTINGS.get(factory, {}), **settings}))


def right(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


@pytest.mark.parametrize("factory", RULES)
def test_the_paper_preset_is_the_published_rule_within_two_points(factory):
    """At 1 shot validation, or what stands in for it, has nothing to choose on."""
    own = [clip_task(1, test_size=60, seed=seed, geometry=SMALL) for seed in range(3)]
    predictors = make(factory).fit_many([task for task, _ in own])
    ours = np.mean([right(p, test) for p, (_, test) in zip(predictors, own, strict=True)])
    theirs = np.mean([published.accuracy(RULES[factory](task), test) for task, test in own])
    assert ours == pytest.approx(theirs, abs=0.02)


@pytest.mark.parametrize("factory", [TaskRes, Clap, Prolip])
def test_in_full_batches_the_paper_preset_is_the_rule_to_rounding(factory):
    task, test = clip_task(4, test_size=5, geometry=SMALL)
    expected = RULES[factory](task)(test.images).numpy()
    np.testing.assert_allclose(make(factory).fit(task).scores(test.images), expected, atol=2e-3)


@pytest.mark.parametrize("factory", RULES)
def test_tasks_of_other_sizes_do_not_change_a_tasks_minibatches(factory):
    tasks = [clip_task(shots, seed=seed, geometry=SMALL)[0] for shots, seed in ((4, 0), (5, 1))]
    _, test = clip_task(1, test_size=5, geometry=SMALL)
    settings = {"steps": 30} if factory is CrossModalProbe else {}
    together = make(factory, **settings).fit_many(tasks)
    for task, predictor in zip(tasks, together, strict=True):
        alone = make(factory, **settings).fit(task)
        assert alone.report.chosen == predictor.report.chosen
        np.testing.assert_allclose(predictor.scores(test.images), alone.scores(test.images), atol=1e-3)


def test_given_settings_count_more_than_the_preset():
    assert TaskRes.Config(preset="paper").learning_rates == (2e-3,)
    assert TaskRes.Config(preset="paper", learning_rates=(1e-2,)).learning_rates == (1e-2,)
    assert TaskRes.Config() == TaskRes.Config(preset="quick")
    assert Coop.Config(preset="paper").learning_rate == 2e-3
    assert Coop.Config(preset="paper", learning_rate=1e-3).weight_decay == 5e-4
    with pytest.raises(ValidationError, match="preset"):
        TaskRes.Config(preset="papers")


def test_coop_trains_for_as_many_epochs_as_shots_ask_for():
    task, _ = clip_task(1, geometry=SMALL)
    recipe = Coop(Coop.Config(preset="paper"))
    found = {shots: recipe.budget(replace(task, shots=shots)).epochs for shots in (1, 2, 4, 8, 16)}
    assert found == {1: 50, 2: 100, 4: 100, 8: 200, 16: 200}
    assert recipe.budget(task).optimizer == "sgd"
    assert Coop(Coop.Config(preset="paper", epochs=7)).budget(task).epochs == 7
    assert Coop(Coop.Config()).budget(task) is None


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_epochs_of_minibatches_are_pytorchs(optimizer):
    """Every image once an epoch, PyTorch's own optimisers, a first epoch at the warm-up's rate, then a cosine."""
    task, _ = clip_task(5, geometry=replace(SMALL, n_classes=3, dim=16))
    batch = batch_tasks(few_shots([task]), "projected")
    rows: list[torch.Tensor] = []

    def loss(parameters, images):
        rows.append(images)
        logits = images.x[:, None] @ parameters[0].mT
        return -(logits.log_softmax(dim=3) * images.target[:, None]).sum(dim=(2, 3)) / images.count[:, None]

    budget = Budget(epochs=3, batch_size=6, optimizer=optimizer, weight_decay=0.1, warmup=1e-3)
    epochs = Epochs(batch.train, [0], [budget], 0.05, loss)
    assert epochs.steps.tolist() == [9]
    found = (batch.text[:, None].clone(),)
    for t in range(9):
        found = epochs(found, t)
    for epoch in range(3):
        seen = torch.cat([own.x[0][own.mask[0] > 0] for own in rows[3 * epoch : 3 * epoch + 3]])
        assert len(seen) == 15
        assert len(torch.unique(seen, dim=0)) == 15
    weight = batch.text[0].clone().requires_grad_()
    settings = {"lr": 0.05, "weight_decay": 0.1}
    theirs = {
        "adam": lambda: torch.optim.Adam([weight], **settings),
        "adamw": lambda: torch.optim.AdamW([weight], **settings),
        "sgd": lambda: torch.optim.SGD([weight], momentum=0.9, **settings),
    }[optimizer]()
    for t, own in enumerate(list(rows)):
        epoch = t // 3
        theirs.param_groups[0]["lr"] = 1e-3 if epoch == 0 else 0.05 * (1 + np.cos(np.pi * (epoch - 1) / 3)) / 2
        theirs.zero_grad()
        known = own.mask[0] > 0
        torch.nn.functional.cross_entropy(own.x[0][known] @ weight.T, own.target[0][known].argmax(dim=1)).backward()
        theirs.step()
    torch.testing.assert_close(found[0][0, 0], weight.detach())
