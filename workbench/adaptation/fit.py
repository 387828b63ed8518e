"""The steps of an adaptation: AdamW with warm-up and cosine decay, evaluations and checkpoints in between."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from workbench.adaptation.config import Training
from workbench.adaptation.network import AdaptedNetwork
from workbench.adaptation.state import Best, TrainingState
from workbench.adaptation.stream import PairStream
from workbench.errors import RecipeError
from workbench.formatting import format_number
from workbench.runs.reporter import Reporter
from workbench.training.loop import parameter_groups, restore, snapshot, warmup_cosine

Evaluate = Callable[[AdaptedNetwork], tuple[float, Mapping[str, float]]]
"""From the network as it is to its score on validation, more being better, and the measures it is made of."""
_LOOK_SECONDS = 5.0


def fit(
    network: AdaptedNetwork,
    stream: PairStream,
    training: Training,
    checkpoint: Path,
    evaluate: Evaluate,
    reporter: Reporter,
) -> TrainingState:
    """Train; the parameters end as at the step that was best on validation, before training included.

    Of steps with the same score the last is kept. A checkpoint is taken up where there is one: the steps from there on
    are those that an undisturbed training takes, to the bit on the same machine with as many threads.

    Args:
        network: Its parameters are trained in place; torch's random numbers have been seeded.
        stream: What each step sees.
        training: How.
        checkpoint: The file of checkpoints.
        evaluate: Called before training, every so many steps, and at the end.
        reporter: Gets progress and evaluations.

    Raises:
        RecipeError: The loss is not finite.
        DataError: Images cannot be read.
    """
    optimiser = torch.optim.AdamW(
        parameter_groups(network.parameters, training.weight_decay),
        lr=network.learning_rate, betas=training.betas, eps=1e-6,
    )  # fmt: skip
    state = TrainingState(0, network.parameters, optimiser, stream.device)
    if state.resume(checkpoint):
        reporter.say(f"goes on after step {state.step} of {training.steps}.")
    else:
        _look(state, network, evaluate, training, reporter)
    looked = time.monotonic()
    network.train(True)
    for batch in stream.batches(state.step, training.steps):
        for group in optimiser.param_groups:
            group["lr"] = network.learning_rate * warmup_cosine(state.step, training.steps, training.warmup)
        optimiser.zero_grad()
        loss = network.backward(batch, stream.inputs)
        optimiser.step()
        state.step += 1
        state.losses.append(loss)
        # A look at the loss in each step would have the device wait.
        if time.monotonic() - looked >= _LOOK_SECONDS:
            _check(loss, state.step, network)
            looked = time.monotonic()
        last = state.step == training.steps
        if last or state.step % training.steps_between_evaluations == 0:
            _look(state, network, evaluate, training, reporter)
            network.train(True)
        if not last and state.step % training.checkpoint_every == 0:
            _check(loss, state.step, network)
            state.save(checkpoint)
        reporter.progress("training", state.step, training.steps)
    network.train(False)
    if state.best is not None:
        restore(network.parameters, state.best.values)
    return state


def _look(
    state: TrainingState, network: AdaptedNetwork, evaluate: Evaluate, training: Training, reporter: Reporter
) -> None:
    """Evaluate on validation, and remember the step if it is the best."""
    row: dict[str, float] = {"step": float(state.step)}
    if state.losses:
        # Of a training that was resumed, the earlier ones come from the checkpoint.
        total = torch.stack([loss.cpu() for loss in state.losses]).double().mean()
        _check(total, state.step, network)
        row["train_loss"] = float(total)
    network.train(False)
    score, measures = evaluate(network)
    state.history.append({**row, "score": score, **measures})
    state.losses = []
    if state.best is None or score >= state.best.score:
        state.best = Best(
            state.step, score, {name: value.cpu() for name, value in snapshot(network.parameters).items()}
        )
    loss = f"loss {format_number(row['train_loss'])}, " if "train_loss" in row else ""
    shown = ", ".join(f"{name} {100 * value:.1f}" for name, value in measures.items())
    reporter.say(f"step {state.step}/{training.steps}: {loss}validation {100 * score:.2f} % ({shown})")


def _check(loss: Tensor, step: int, network: AdaptedNetwork) -> None:
    if not bool(torch.isfinite(loss)):
        raise RecipeError(
            f"the training loss became {float(loss)} by step {step}; lower training.learning_rate (it is "
            f"{network.learning_rate:g}) or set training.precision to 'fp32'."
        )
