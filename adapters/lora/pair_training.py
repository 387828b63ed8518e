"""Train adapters on images and the texts that belong to them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.lora.contrastive import LoraContrastiveSettings
from adapters.lora.dual_encoder import LoraDualEncoder
from workbench.plugin import (
    AdaptedModel,
    Augmentation,
    Choices,
    Compute,
    FitReport,
    GroundingTask,
    JointBatch,
    MatchingTask,
    MemoryBudget,
    PixelSource,
    Quality,
    RetrievalTask,
    Tower,
    image_projection,
    joint_objective,
    normalise,
    train,
)

_EPOCHS = 12
_MAX_SCALE = 100.0  # CLIP's own bound.

Batch = tuple[JointBatch, Tensor]


@dataclass
class PairTraining:
    """One training run.

    Args:
        adapted: The model with fresh adapters.
        towers: Which of its towers have adapters.
        task: The task to fit.
        config: Training settings.
        compute: Device and precision.
    """

    adapted: AdaptedModel
    towers: Sequence[Tower]
    task: RetrievalTask | MatchingTask | GroundingTask
    config: LoraContrastiveSettings
    compute: Compute

    def __post_init__(self) -> None:
        task, config, device = self.task, self.config, self.compute.device
        retrieval = isinstance(task, RetrievalTask)
        self._statements = isinstance(task, MatchingTask) and task.form == "statement"
        self._goal = joint_objective(task.train, config.loss, statements=self._statements)
        sigmoid = retrieval and config.loss == "sigmoid"
        scale = config.scale or (10.0 if sigmoid else task.model.logit_scale)
        self._project = image_projection(self.adapted.loaded, compiled=config.compile)
        self._log_scale = nn.Parameter(torch.tensor(math.log(scale), device=device))
        self._bias = nn.Parameter(torch.tensor(-10.0 if sigmoid else 0.0, device=device))
        budget = MemoryBudget(config.cache_gib * 2**30)
        loaded = self.adapted.loaded
        self._pixels = PixelSource(task.train.images, loaded, self.compute, budget)
        self._val_pixels = PixelSource(task.val.images, loaded, self.compute, budget) if task.val.has_pairs else None
        texts = list(task.train.texts)
        self._tokens = loaded.tokenizer(texts) if "text" in self.towers else torch.empty(0)
        self._frozen_texts = None if "text" in self.towers else _unit(task.model.encode_texts(texts), device)
        adapts_images = "image" in self.towers
        self._frozen_images = None if adapts_images else _unit(task.train.images.features.projected, device)

    def run(self) -> LoraDualEncoder:
        """Train, and keep the best epoch by validation, that before training included."""
        config, size = self.config, self._goal.size
        most = config.batch_size or min(128, max(16, round(size / 32)))
        steps = math.ceil(size / most)
        epochs = config.epochs or max(_EPOCHS, math.ceil(config.min_steps / steps))
        rate = config.learning_rate or (2e-3 if self.adapted.convolutional else 5e-4)
        parameters = {**self.adapted.parameters(), "log_scale": self._log_scale, "bias": self._bias}
        if self._statements and isinstance(self.task.train, Choices):
            self._centre(self.task.train)
        trained = train(
            parameters, lambda epoch: self._batches(epoch, steps), self._loss,
            epochs=epochs, steps_per_epoch=steps, learning_rate=rate, weight_decay=config.weight_decay,
            warmup=config.warmup, validate=self._validate if self.task.val.has_pairs else None,
            mode=self.adapted.train_dropout, patience=config.patience, name="lora-contrastive",
        )  # fmt: skip
        history = {"train_loss": trained.losses}
        for name in trained.qualities[0].measures if trained.qualities else ():
            history[name] = [quality.measures[name] for quality in trained.qualities[1:]]
        lack = "No validation image has a text" if len(self.task.val) else "There is no validation split"
        notes = [] if trained.qualities else [f"{lack}, so the last epoch was kept."]
        if self.task.refit:
            notes.append("lora-contrastive does not refit on train and validation; validation chose its epoch.")
        predictor = self._predictor()
        predictor.report = FitReport(
            chosen={"epoch": trained.epoch, "learning_rate": rate},
            trials=[{"epoch": i, **quality.measures} for i, quality in enumerate(trained.qualities)],
            trainable_parameters=sum(p.numel() for p in parameters.values()),
            history=history,
            notes=tuple(notes),
        )
        return predictor

    @property
    def _scale(self) -> Tensor:
        return self._log_scale.exp().clamp(max=_MAX_SCALE)

    def _predictor(self) -> LoraDualEncoder:
        return LoraDualEncoder(
            self.adapted, self.towers, self.task.model, self.compute,
            scale=float(self._scale.detach()), bias=float(self._bias.detach()),
        )  # fmt: skip

    def _batches(self, epoch: int, steps: int) -> Iterator[Batch]:
        order = np.random.default_rng([self.task.seed, epoch]).permutation(self._goal.size)
        batches = [self._goal.batch(np.sort(part)) for part in np.array_split(order, steps)]
        if self._frozen_images is not None:
            yield from ((batch, self._frozen_images[torch.from_numpy(batch.images)]) for batch in batches)
            return
        augmentation = Augmentation(self.config.min_crop, self.config.flip)
        rows = [batch.images for batch in batches]
        stream = self._pixels.training(rows, augmentation, self.task.seed, epoch)
        for batch, (_, pixels) in zip(batches, stream, strict=True):
            yield batch, pixels

    def _loss(self, item: Batch) -> Tensor:
        batch, inputs = item
        with self.compute.autocast():
            images = inputs if self._frozen_images is not None else self._project(inputs)
            texts = self._texts(batch)
        return self._goal.loss(
            batch, F.normalize(images.float(), dim=1), F.normalize(texts.float(), dim=1), self._scale, self._bias
        )

    def _texts(self, batch: JointBatch) -> Tensor:
        rows = torch.from_numpy(batch.texts)
        if self._frozen_texts is not None:
            return self._frozen_texts[rows]
        if not len(rows):  # No image of the batch has a text, and towers do not take nothing.
            return torch.empty(0, self.task.model.embed_dim, device=self.compute.device)
        tokens = self.adapted.loaded.trim(self._tokens[rows]).to(self.compute.device)
        return self.adapted.loaded.text_features(tokens)

    def _validate(self) -> Quality:
        val, predictor = self.task.val, self._predictor()
        images = val.images.features.projected
        if self._val_pixels is not None and "image" in self.towers:
            images = predictor.embed_pixels(self._val_pixels)
        goal = joint_objective(val, self.config.loss, statements=self._statements)
        return goal.quality(images, predictor.embed_texts(val.texts), predictor.scale, predictor.bias)

    def _centre(self, data: Choices) -> None:
        """Place the bias where half of the training statements are true before training."""
        images, texts = data.images.features.projected, self.task.model.encode_texts(data.texts)
        rows, columns = data.pairs.T
        cosines = np.einsum("pd,pd->p", normalise(images)[rows], normalise(texts)[columns])
        with torch.no_grad():
            self._bias.fill_(-float(self._scale.detach()) * float(np.median(cosines)))


def _unit(rows: "np.typing.NDArray[np.float32]", device: str) -> Tensor:
    return torch.from_numpy(normalise(rows)).to(device)
