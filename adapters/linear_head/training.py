"""One training run of a linear head; kept apart so that listing recipes imports no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.linear_head.recipe import HeadData, LinearHeadConfig, Space
from workbench.plugin import (
    AnyArray,
    Choices,
    FloatArray,
    JointBatch,
    JointObjective,
    LinearMap,
    Quality,
    joint_objective,
    normalise,
    seeded,
    train,
)

_MAX_SCALE = 100.0  # CLIP's own bound.


@dataclass(frozen=True)
class HeadTrial:
    """A trained head.

    Attributes:
        space: Image features.
        rate: Learning rate.
        epoch: Whose weights were kept; 0 stands for the centred space before training.
        score: Decides between trials; -inf without validation.
        measures: Validation's values at that epoch.
        image: The map of images.
        text: The map of texts.
        scale: Multiplier of cosines.
        bias: Added last.
        parameters: Number of trained ones.
        history: Values per epoch.
    """

    space: Space
    rate: float
    epoch: int
    score: float
    measures: Mapping[str, float]
    image: LinearMap
    text: LinearMap
    scale: float
    bias: float
    parameters: int
    history: dict[str, list[float]]


def train_head(
    fit: HeadData,
    val: HeadData,
    config: LinearHeadConfig,
    space: Space,
    rate: float,
    model_scale: float,
    seed: int,
    device: str,
    statements: bool,
) -> HeadTrial:
    """Train one head; the best epoch is chosen on validation, that before training included."""
    goal = joint_objective(fit.data, config.loss, statements=statements)
    held = joint_objective(val.data, config.loss, statements=statements) if val.data.has_pairs else None
    sigmoid = config.loss == "sigmoid" and not isinstance(fit.data, Choices)
    features = fit.data.images.features
    with seeded(seed, device):
        image = _Side(
            features.projected, getattr(features, space), config.rank, config.adapt != "text", device
        )  # fmt: skip
        text = _Side(fit.texts, fit.texts, config.rank, config.adapt != "image", device)
        head = _Head(image, text, config.scale or (10.0 if sigmoid else model_scale), -10.0 if sigmoid else 0.0, device)
        if statements and isinstance(fit.data, Choices):
            head.centre_statements(fit.data.pairs)

        def loss(batch: JointBatch) -> Tensor:
            scale = head.log_scale.exp().clamp(max=_MAX_SCALE)
            return goal.loss(batch, image.rows(batch.images), text.rows(batch.texts), scale, head.bias)

        def quality_on(goal: JointObjective) -> Quality:
            val_features = val.data.images.features
            with torch.no_grad():
                images = image.map()(val_features.projected, getattr(val_features, space))
                texts = text.map()(val.texts, val.texts)
                return goal.quality(images, texts, head.scale, float(head.bias.detach()))

        def batches(epoch: int) -> Iterable[JointBatch]:
            order = np.random.default_rng([seed, epoch]).permutation(goal.size)
            return (goal.batch(part) for part in np.array_split(order, steps))

        steps = -(-goal.size // config.batch_size)
        trained = train(
            head.parameters(), batches, loss, epochs=config.epochs, steps_per_epoch=steps, learning_rate=rate,
            weight_decay=config.weight_decay, warmup=0.05, validate=partial(quality_on, held) if held else None,
            name="linear-head",
        )  # fmt: skip
    quality = trained.qualities[trained.epoch] if held else Quality(-np.inf, {})
    history = {"train_loss": trained.losses}
    for name in quality.measures:
        history[name] = [epoch_quality.measures[name] for epoch_quality in trained.qualities[1:]]
    return HeadTrial(
        space, rate, trained.epoch, quality.score, quality.measures, image.map(), text.map(),
        head.scale, float(head.bias.detach()), sum(p.numel() for p in head.parameters().values()), history,
    )  # fmt: skip


class _Side:
    """The map of images or of texts, and the training rows that it is trained on, centred."""

    def __init__(self, projected: FloatArray, x: FloatArray, rank: int | None, weight: bool, device: str) -> None:
        unit, inputs = normalise(projected), normalise(x)
        self._mean, self._x_mean = unit.mean(axis=0), inputs.mean(axis=0)
        unit, inputs = unit - self._mean, inputs - self._x_mean
        # Centred rows are of length one on average, so that one learning rate fits every model.
        self._length, self._x_length = (_length(rows) for rows in (unit, inputs))
        self._unit = torch.from_numpy(unit / self._length).to(device)
        self._inputs = torch.from_numpy(inputs / self._x_length).to(device)
        width, out = inputs.shape[1], unit.shape[1]
        self.parameters = {"offset": nn.Parameter(torch.zeros(out, device=device))}
        if weight and rank is None:
            self.parameters["weight"] = nn.Parameter(torch.zeros(width, out, device=device))
        elif weight and rank is not None:
            self.parameters["down"] = nn.Parameter(torch.randn(width, rank, device=device) / width**0.5)
            self.parameters["up"] = nn.Parameter(torch.zeros(rank, out, device=device))

    def rows(self, index: "np.typing.NDArray[np.int64]") -> Tensor:
        """Unit-norm embeddings of training rows."""
        rows = torch.from_numpy(index).to(self._unit.device)
        mapped = self._unit[rows] + self.parameters["offset"]
        if "weight" in self.parameters:
            mapped = mapped + self._inputs[rows] @ self.parameters["weight"]
        elif "down" in self.parameters:
            mapped = mapped + self._inputs[rows] @ self.parameters["down"] @ self.parameters["up"]
        return F.normalize(mapped, dim=1)

    def map(self) -> LinearMap:
        """The trained map for rows that are not centred."""
        values = {name: p.detach().cpu().numpy() for name, p in self.parameters.items()}
        weight = values.get("weight")
        if "down" in values:
            weight = values["down"] @ values["up"]
        offset = self._length * values["offset"] - self._mean
        if weight is None:
            return LinearMap(None, np.asarray(offset, np.float32))
        weight = np.ascontiguousarray(weight * (self._length / self._x_length), dtype=np.float32)
        return LinearMap(weight, np.asarray(offset - self._x_mean @ weight, np.float32))


class _Head:
    """Both sides, scale and bias."""

    def __init__(self, image: _Side, text: _Side, scale: float, bias: float, device: str) -> None:
        self._image, self._text = image, text
        self.log_scale = nn.Parameter(torch.tensor(float(np.log(scale)), device=device))
        self.bias = nn.Parameter(torch.tensor(bias, device=device))

    @property
    def scale(self) -> float:
        """The multiplier of cosines."""
        return float(self.log_scale.detach().exp().clamp(max=_MAX_SCALE))

    def parameters(self) -> dict[str, nn.Parameter]:
        """All of them, by name."""
        named = {f"image.{name}": p for name, p in self._image.parameters.items()}
        named |= {f"text.{name}": p for name, p in self._text.parameters.items()}
        return {**named, "log_scale": self.log_scale, "bias": self.bias}

    def centre_statements(self, pairs: AnyArray) -> None:
        """Place the bias where half of the training statements, (image, text) each, are true before training."""
        with torch.no_grad():
            cosines = (self._image.rows(pairs[:, 0]) * self._text.rows(pairs[:, 1])).sum(dim=1)
            self.bias.fill_(-self.scale * float(cosines.median()))


def _length(rows: FloatArray) -> np.float32:
    length = np.float32(np.linalg.norm(rows, axis=1).mean())
    return length if length > 0 else np.float32(1)
