"""The training of an adaptation, or that of an earlier run which differs only in what is made of its weights."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from workbench.adaptation.fit import fit
from workbench.adaptation.measured import MeasuredSet, mean_over
from workbench.adaptation.network import AdaptedNetwork
from workbench.adaptation.prepared import Prepared
from workbench.adaptation.stream import PairStream
from workbench.features import CachedModel
from workbench.formatting import counted
from workbench.runs.finished import FinishedRun
from workbench.runs.reporter import Reporter
from workbench.tasks.adaptation import NETWORK
from workbench.training import Augmentation, Compute, NetworkEncoder, checkpointed, seeded
from workbench.training.weights import read_weights


@dataclass(frozen=True)
class Trained:
    """What a training has come to.

    Attributes:
        weights: Those of the stock network that differ from the model before, at the best step.
        step: The best on validation; 0 is before training.
        history: A row an evaluation, see `TrainingState`.
        trainable_parameters: Number of them.
        images: Number of training images.
        seconds: Time that it took, with evaluations; of the last part where it was interrupted.
        notes: Sentences for the reader of the run.
    """

    weights: dict[str, Tensor]
    step: int
    history: list[dict[str, float]]
    trainable_parameters: int
    images: int
    seconds: float
    notes: list[str] = field(default_factory=list)


def train(
    prepared: Prepared,
    model: CachedModel,
    compute: Compute,
    sets: Sequence[MeasuredSet],
    checkpoint: Path,
    max_unreadable: float,
    reporter: Reporter,
) -> Trained:
    """Train, or go on from a checkpoint; see `fit`."""
    training, seed = prepared.adaptation.training, prepared.adaptation.seed
    pairs, counts = prepared.pairs(reporter)
    started = time.perf_counter()
    with seeded(seed, compute.device):
        network = AdaptedNetwork(model, training, compute)
        augmentation = Augmentation(training.min_crop, training.flip)
        stream = PairStream(
            pairs, counts, network.loaded, compute, augmentation, seed, max_unreadable=max_unreadable
        )  # fmt: skip
        with checkpointed(network.loaded.network, enabled=training.checkpointing):
            state = fit(network, stream, training, checkpoint, _Judge(sets, compute), reporter)
    notes = []
    step = state.best.step if state.best else state.step
    if step == 0:
        notes.append("No step was better on validation than the model before: its weights are left as they were.")
    if stream.unreadable:
        name, reason = next(iter(stream.unreadable.items()))
        count = counted(len(stream.unreadable), "training image")
        notes.append(f"{count} could not be read and were left out, such as {name} ({reason}).")
    if leaked := sum(each.leaked for each in pairs):
        notes.append(
            f"{counted(leaked, 'training image')} were left out, since they are among the validation or test images "
            "that are measured."
        )
    return Trained(
        network.weights(), step, state.history, sum(p.numel() for p in network.parameters.values()),
        sum(map(len, pairs)), time.perf_counter() - started, [prepared.without_names(note) for note in notes],
    )  # fmt: skip


def trained_by(run: FinishedRun) -> Trained:
    """The training of an earlier run.

    Raises:
        WorkbenchError: What the run has kept is missing or damaged.
    """
    config, metrics = run.config, run.result.metrics
    return Trained(
        read_weights(run.artifact(NETWORK)), int(config["step"]), config["history"],
        int(metrics["trainable_parameters"]), int(metrics["train_images"]), metrics["train_seconds"],
        list(config["notes"]),
    )  # fmt: skip


class _Judge:
    """The score of a network in training: the mean over the datasets that the adaptation is for, on validation."""

    def __init__(self, sets: Sequence[MeasuredSet], compute: Compute) -> None:
        self._sets = [each for each in sets if each.role == "evaluate"]
        self._compute = compute

    def __call__(self, network: AdaptedNetwork) -> tuple[float, dict[str, float]]:
        encoder = NetworkEncoder(network.loaded, self._compute, scale=network.scale, bias=network.bias)
        values = [each.value(encoder) for each in self._sets]
        named = {each.name: value for each, value in zip(self._sets, values, strict=True)}
        return mean_over(self._sets, values), named
