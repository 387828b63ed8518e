"""The loop on problems whose answer is known."""

import logging

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from workbench.plugin import RecipeError
from workbench.training import Quality, train


def point(*values):
    return nn.Parameter(torch.tensor([list(values)]))


def pull(parameter, target):
    return lambda _: (parameter - torch.tensor([target])).square().mean()


def run(parameters, loss, batches=lambda _: range(4), **settings):
    settings = {"epochs": 5, "steps_per_epoch": 4, "learning_rate": 0.1, **settings}
    return train(parameters, batches, loss, **settings)


def test_reaches_the_minimum():
    x = point(0.0, 0.0)
    trained = run({"x": x}, pull(x, [1.0, -2.0]), epochs=60)
    torch.testing.assert_close(x.data, torch.tensor([[1.0, -2.0]]), atol=0.02, rtol=0)
    assert trained.epoch == len(trained.losses) == 60
    assert trained.losses[-1] < 1e-3 < trained.losses[0]


def test_equals_adamw_by_hand():
    x, y = point(1.0, 3.0), point(1.0, 3.0)
    run({"x": x}, pull(x, [0.0, 0.0]), epochs=2, weight_decay=0.1, warmup=0.25)
    optimiser = torch.optim.AdamW([y], lr=0.1, weight_decay=0.1)
    for factor in (1 / 3, 2 / 3, *((1 + torch.cos(torch.tensor(torch.pi * k / 6))) / 2 for k in range(6))):
        optimiser.param_groups[0]["lr"] = 0.1 * float(factor)
        optimiser.zero_grad()
        y.square().mean().backward()
        optimiser.step()
    torch.testing.assert_close(x.data, y.data)


def test_vectors_are_not_decayed():
    bias, weight = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(1, 2))
    run({"bias": bias, "weight": weight}, lambda _: 0.0 * (bias.sum() + weight.sum()), weight_decay=0.5)
    assert torch.equal(bias.data, torch.ones(2))
    assert (weight < 1).all()


class Looks(TorchDispatchMode):
    """Counts how often a tensor's value is looked at, for which a device would have to finish its work."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_no_step_looks_at_the_loss():
    """AdamW reads its own count of steps, which is not on the device."""

    def looks(steps):
        x = point(0.0)
        with Looks() as looked:
            run({"x": x}, pull(x, [1.0]), batches=lambda _: range(steps), steps_per_epoch=steps, optimizer="sgd")
        return looked.count

    assert looks(40) == looks(4)


def test_parts_of_a_batch_add_up_to_its_step():
    whole, cut = point(0.0, 0.0), point(0.0, 0.0)
    targets = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])

    def loss_of(x):
        return lambda rows: (x - targets[rows]).square().mean()

    settings = {"epochs": 3, "steps_per_epoch": 2, "learning_rate": 0.1}
    one = train({"x": whole}, lambda _: [[0, 1, 2]] * 2, loss_of(whole), **settings)
    several = train(
        {"x": cut}, lambda _: [[0, 1, 2]] * 2, loss_of(cut),
        parts=lambda rows: [(rows[:2], 2 / 3), (rows[2:], 1 / 3)], **settings,
    )  # fmt: skip
    torch.testing.assert_close(cut.data, whole.data)
    assert several.losses == pytest.approx(one.losses)


def scores(values):
    """A validation whose scores are given."""
    remaining = iter(values)
    return lambda: Quality(next(remaining), {})


def test_keeps_the_best_epoch_and_of_equals_the_last():
    x, ends = point(0.0), []
    validate = scores([0.1, 0.5, 0.9, 0.9, 0.2, 0.3])
    trained = run(
        {"x": x}, pull(x, [1.0]), validate=validate, mode=lambda on: None if on else ends.append(float(x.detach()))
    )
    assert trained.epoch == 3
    assert float(x.detach()) == ends[2]
    assert [quality.score for quality in trained.qualities] == [0.1, 0.5, 0.9, 0.9, 0.2, 0.3]


def test_training_that_only_does_harm_is_undone():
    x = point(0.25)
    trained = run({"x": x}, pull(x, [1.0]), validate=lambda: Quality(-abs(float(x.detach()) - 0.25), {}))
    assert trained.epoch == 0
    assert float(x.detach()) == 0.25


def test_a_score_that_is_not_a_number_is_never_best():
    x, nan = point(0.0), float("nan")
    assert run({"x": x}, pull(x, [1.0]), validate=scores([0.1, nan, 0.2, nan, nan, nan])).epoch == 2


def test_patience_waits_for_a_higher_score_and_keeps_the_last_of_the_best():
    x = point(0.0)
    trained = run({"x": x}, pull(x, [1.0]), validate=scores([0.1, 0.8, 0.7, 0.8, 0.9, 0.9]), patience=2)
    assert trained.epoch == len(trained.losses) == 3


def test_stopping_after_an_epoch_follows_the_same_schedule():
    values = []
    for stop in (2, None):
        x = point(0.0)
        inside = []
        run({"x": x}, pull(x, [1.0]), stop_after=stop, mode=lambda _, x=x, own=inside: own.append(float(x.detach())))
        values.append(inside)
    assert values[0] == values[1][: len(values[0])]
    assert len(values[0]) == 4


def test_validation_happens_outside_training_mode():
    x, modes, during = point(0.0), [False], []
    run(
        {"x": x},
        pull(x, [1.0]),
        mode=modes.append,
        validate=lambda: during.append(modes[-1]) or Quality(0.0, {}),
    )
    assert during == [False] * 6
    assert modes[1:] == [True, False] * 5


def test_names_parameters_that_no_gradient_reaches():
    x, idle = point(0.0), point(0.0)
    assert run({"x": x, "idle": idle}, pull(x, [1.0])).idle == ("idle",)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_an_error(value):
    x = point(0.0)
    with pytest.raises(RecipeError, match=r"probe: the training loss became (nan|inf) in epoch 1 of 5; lower learn"):
        run({"x": x}, lambda _: x.sum() * value + value, name="probe")


def test_logs_long_training_and_not_short_one(caplog, monkeypatch):
    x = point(0.0)
    with caplog.at_level(logging.INFO, "workbench.training"):
        run({"x": x}, pull(x, [1.0]))
        assert caplog.messages == []
        monkeypatch.setattr("workbench.training.loop._LOG_SECONDS", 0.0)
        run({"x": x}, pull(x, [1.0]), validate=lambda: Quality(0.5, {"accuracy": 0.5}), name="probe")
    assert len(caplog.messages) == 5
    assert caplog.messages[0].startswith("probe: epoch 1/5, loss ")
    assert "validation accuracy 50.0 %, about" in caplog.messages[0]
