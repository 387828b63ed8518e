"""A training cut short counts the steps and validations that it leaves out, and times those that it takes."""

import time

import pytest
import torch
from torch import nn

from workbench.training import Quality, abridged, train
from workbench.training.pixels import MemoryBudget

STEP, VALIDATION = 0.02, 0.05


def training(*, epochs=10, steps=20, validate=True, batches=None):
    x = nn.Parameter(torch.zeros(2))
    taken = []

    def loss(batch):
        taken.append(batch)
        time.sleep(STEP)
        return (x - 1).square().sum()

    def quality():
        time.sleep(VALIDATION)
        return Quality(0.0, {})

    trained = train(
        {"x": x}, batches or (lambda epoch: ((epoch, i) for i in range(steps))), loss, epochs=epochs,
        steps_per_epoch=steps, learning_rate=0.1, validate=quality if validate else None,
    )  # fmt: skip
    assert trained.epoch == len(trained.losses) == epochs
    assert len(trained.qualities) == (epochs + 1 if validate else 0)
    return taken


def test_the_first_steps_are_taken_twice():
    with abridged(steps=4):
        assert training() == [(0, 0), (0, 1), (0, 2), (0, 3)] * 2
    assert len(training(epochs=1, steps=3)) == 3


def test_what_is_left_is_what_was_left_out():
    with abridged(steps=4) as short:
        training()
    assert (short.trainings, short.planned_steps) == (1, 200)
    left = (200 - 8) * STEP + (11 - 3) * VALIDATION
    assert left <= short.left_seconds < 1.5 * left


def test_a_training_that_is_short_anyway_leaves_nothing():
    with abridged(steps=4) as short:
        training(epochs=2, steps=4, validate=False)
    assert short.left_seconds == pytest.approx(0, abs=1e-3)


def test_validation_on_a_part_counts_for_the_whole():
    with abridged(steps=4) as whole:
        training(epochs=2, steps=4)
    with abridged(steps=4, validation_share=0.1) as part:
        training(epochs=2, steps=4)
    # All three are done; of ten times as many images each would take ten times as long.
    assert whole.left_seconds < VALIDATION
    assert part.left_seconds >= 27 * VALIDATION


def test_a_slow_pass_ends_early():
    with abridged(steps=8, seconds=STEP):
        assert len(training()) == 4


def test_decoded_images_count_for_the_epoch():
    with abridged(steps=4) as short:
        budget = MemoryBudget(1e9)

        def batches(_):
            for i in range(20):
                budget.take(1000 if i < 4 else 0)
                yield i

        training(batches=batches)
    # Both passes take what the first four steps of twenty decode.
    assert short.pictures == pytest.approx(2 * 4000 * (20 / 4 - 1))


def test_the_first_steps_of_short_epochs_do_not_count():
    taken = []

    def slow_at_first():
        time.sleep(0.3 if len(taken) < 2 else 0.01)
        taken.append(None)

    x = nn.Parameter(torch.zeros(2))
    with abridged() as short:
        train(
            {"x": x}, lambda _: [None], lambda _: slow_at_first() or x.square().sum(), epochs=105, steps_per_epoch=1,
            learning_rate=0.1,
        )  # fmt: skip
    assert len(taken) == 5
    assert 1 <= short.left_seconds < 5
