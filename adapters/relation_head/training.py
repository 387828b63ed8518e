"""One training run of a head; kept apart so that listing recipes imports no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from adapters.relation_head.network import Parse, RelationNetwork, Shape
from adapters.relation_head.recipe import RelationHeadConfig
from adapters.relation_head.scenes import Questions
from adapters.relation_head.scorer import Evidence, Reading, all_scores, candidate_scores
from workbench.plugin import AnyArray, ChoiceObjective, Choices, Quality, choice_objective, seeded, train


@dataclass(frozen=True)
class Split:
    """A split as training sees it."""

    data: Choices
    questions: Questions
    evidence: Evidence


@dataclass(frozen=True)
class RelationTrial:
    """A trained head.

    Attributes:
        network: The head, with the values of its best epoch.
        reading: How it reads items.
        parse: Where it takes subject and object from.
        scale: Multiplier of cosines before training.
        epoch: Whose values were kept; 0 stands for those before training.
        quality: On validation; a score of -inf without it.
        parameters: Number of trained ones.
        history: Values per epoch.
    """

    network: RelationNetwork
    reading: Reading
    parse: Parse
    scale: float
    epoch: int
    quality: Quality
    parameters: int
    history: Mapping[str, list[float]]


def _quality(network: RelationNetwork, goal: ChoiceObjective, val: Split) -> Quality:
    return goal.quality_of(all_scores(network, val.evidence, val.questions))


def train_head(
    fit: Split,
    val: Split | None,
    config: RelationHeadConfig,
    reading: Reading,
    scale: float,
    seed: int,
    device: str,
    *,
    statements: bool,
) -> RelationTrial:
    """Train one head; the best epoch is chosen on validation."""
    parse: Parse = "sentence" if reading.words is None else "phrases"
    goal = choice_objective(fit.data, statements=statements)
    features = fit.questions.scenes.features
    shape = Shape(
        features.projected.shape[1], getattr(features, reading.space).shape[1], config.rank, parse,
        (config.image_dropout, config.text_dropout),
    )  # fmt: skip
    evidence = fit.evidence
    with seeded(seed, device):
        network = RelationNetwork(shape, scale).to(device)
        for name, rows in (
            ("unit", evidence.unit), ("input", evidence.inputs), ("phrase", evidence.phrases),
            ("sentence", evidence.sentences),
        ):  # fmt: skip
            network.fit_means(name, rows)

        def loss(units: AnyArray) -> Tensor:
            return goal.loss_of(units, candidate_scores(network, evidence, fit.questions, goal.candidates(units)))

        validate = None
        if val is not None:
            validate = partial(_quality, network, choice_objective(val.data, statements=statements), val)

        def batches(epoch: int) -> Iterable[AnyArray]:
            order = np.random.default_rng([seed, epoch]).permutation(goal.size)
            return (np.sort(part) for part in np.array_split(order, steps))

        if statements:
            with torch.no_grad():  # Half of the training statements are true before training.
                network.threshold.fill_(float(np.median(all_scores(network, evidence, fit.questions))))
        steps = -(-goal.size // config.batch_size)
        trained = train(
            dict(network.named_parameters()), batches, loss, epochs=config.epochs, steps_per_epoch=steps,
            learning_rate=config.learning_rate, weight_decay=config.weight_decay, warmup=0.1,
            validate=validate, mode=network.train, name="relation-head",
        )  # fmt: skip
    network.eval()
    quality = trained.qualities[trained.epoch] if val else Quality(-np.inf, {})
    history = {"train_loss": trained.losses}
    for name in quality.measures:
        history[name] = [epoch_quality.measures[name] for epoch_quality in trained.qualities[1:]]
    parameters = sum(p.numel() for name, p in network.named_parameters() if name not in trained.idle)
    return RelationTrial(network, reading, parse, scale, trained.epoch, quality, parameters, history)
