"""A training that was killed and goes on ends with the weights of one that was not, to the bit."""

import pytest
import torch

from workbench.adaptation.config import Training
from workbench.adaptation.fit import fit
from workbench.errors import RecipeError
from workbench.runs.reporter import Silent
from workbench.training import seeded

# Dropout, micro batches and evaluations: all that has a state.
TRAINING = Training(
    steps=12, batch_size=12, micro_batch_size=5, dropout=0.3, learning_rate=5e-3, checkpoint_every=2, evaluate_every=5
)


class Stopped(BaseException):
    """In place of a kill, within this process."""


class StopAt(Silent):
    def __init__(self, step):
        self.step = step

    def progress(self, what, done, total):
        if done == self.step:
            raise Stopped


def scored(network):
    """A score that rises and falls, so that the best step is in the middle."""
    scored.calls += 1
    return -abs(scored.calls - 2.0), {"calls": float(scored.calls)}


def run(adaptation, path, training=TRAINING, reporter=None, calls=0):
    scored.calls = calls
    setup = adaptation(training)
    with seeded(0):
        state = fit(setup.network, setup.stream, training, path, scored, reporter or Silent())
    return setup.network, state


def test_it_goes_on_where_it_was_stopped_and_keeps_the_best_step(adaptation, tmp_path):
    network, state = run(adaptation, tmp_path / "whole.pt")
    assert [row["step"] for row in state.history] == [0, 5, 10, 12]
    assert (state.best.step, state.step) == (5, 12)
    assert all(torch.equal(p.detach(), state.best.values[name]) for name, p in network.parameters.items())
    # Before any checkpoint, in the step after an evaluation, and between an evaluation and its checkpoint.
    for stop, looks in ((1, 0), (7, 2), (11, 3)):
        path = tmp_path / f"{stop}.pt"
        with pytest.raises(Stopped):
            run(adaptation, path, reporter=StopAt(stop))
        other, again = run(adaptation, path, calls=looks)  # Evaluations before the checkpoint are not made again.
        assert again.history == state.history
        assert again.best.step == 5
        for name, parameter in network.parameters.items():
            assert torch.equal(parameter, other.parameters[name]), (stop, name)


def test_a_damaged_checkpoint_is_set_aside(adaptation, tmp_path, caplog):
    path = tmp_path / "state.pt"
    with pytest.raises(Stopped):
        run(adaptation, path, reporter=StopAt(7))
    path.write_bytes(path.read_bytes()[:1000])
    _, state = run(adaptation, path)
    assert "damaged" in caplog.text
    assert state.step == 12


def test_a_loss_that_explodes_is_said(adaptation, tmp_path):
    wild = TRAINING.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(RecipeError, match=r"the training loss became .* lower training.learning_rate"):
        run(adaptation, tmp_path / "state.pt", training=wild)
