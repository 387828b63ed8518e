"""The recipe `lora`."""

import math
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters.lora.adapted import AdaptedClassifier, adapted_scores, embed_classes, load_for_adapters, restore
from adapters.lora.targets import Tower, as_peft_pattern, choose_targets
from workbench import (
    AnyArray,
    ClassificationTask,
    FitReport,
    FloatArray,
    LabelledImages,
    LoadedModel,
    Predictor,
    Recipe,
    RecipeConfig,
    RecipeError,
    Schedule,
    TaskModel,
    class_embeddings,
    fit_epochs,
    to_device,
    training_pixels,
)

_LEAST_STEPS = 60


class LoraSettings(RecipeConfig):
    """Settings of `lora`.

    Attributes:
        rank: Rank of each adapter.
        alpha: Scale of the adapters; None means twice the rank.
        dropout: On the adapters' inputs.
        towers: Which tower gets adapters: `image`, `text` or `both`.
        targets: Patterns (`*.attn.q_proj`) of module names; None chooses attention projections of transformers, and 1x1
            convolutions and the projection of convolutional towers.
        learning_rate: Peak, of a cosine schedule.
        weight_decay: AdamW's.
        epochs: Passes over the training images; None takes 12, or as many as make 60 steps where images are few.
        patience: Epochs without a better validation after which training stops; None trains to the end.
        batch_size: Images a step.
        warmup: Share of the steps with rising learning rate.
        label_smoothing: 0..1; single-label tasks only.
        flip: Mirror images at random; turn it off where left and right matter.
        min_crop: Least share of an image that a random crop keeps; 1 turns cropping off.
        scale: Multiplier of cosines in training and prediction; None takes the model's own.
        prompts: Sentences of a class; `ensemble` needs a frozen text tower.
    """

    rank: int = Field(default=8, ge=1)
    alpha: float | None = Field(default=None, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    towers: Tower = "image"
    targets: tuple[str, ...] | None = None
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    epochs: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=8, ge=1)
    batch_size: int = Field(default=32, ge=1)
    warmup: float = Field(default=0.1, ge=0, le=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    flip: bool = True
    min_crop: float = Field(default=0.5, gt=0, le=1)
    scale: float | None = Field(default=None, gt=0)
    prompts: Literal["single", "ensemble"] = "single"


class Lora(Recipe[LoraSettings]):
    """Train low-rank adapters on the image tower, the text tower, or both."""

    Config: ClassVar[type[RecipeConfig]] = LoraSettings
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> AdaptedClassifier:
        """Put adapters on a private copy of the network and train them."""
        from peft import LoraConfig, get_peft_model

        config = self.config
        adapts_text = config.towers != "image"
        if adapts_text and config.prompts == "ensemble":
            raise RecipeError("lora.prompts 'ensemble' needs a frozen text tower; set lora.towers to 'image'.")
        torch.manual_seed(task.seed)
        loaded = load_for_adapters(task.model)
        targets = choose_targets(loaded.network, config.towers, config.targets)
        peft_model = get_peft_model(
            loaded.network,
            LoraConfig(
                r=config.rank,
                lora_alpha=config.alpha or 2 * config.rank,
                lora_dropout=config.dropout,
                target_modules=as_peft_pattern(targets),
            ),
        )
        to_device(loaded.network, task.device)
        trained = [parameter for parameter in peft_model.parameters() if parameter.requires_grad]
        scale = config.scale or task.model.logit_scale
        run = _Training(task, config, loaded, scale, adapts_text)
        images = training_pixels(task.train.images, loaded, flip=config.flip, min_area=config.min_crop)
        rng = np.random.default_rng([task.seed, 1])
        steps = math.ceil(len(task.train) / config.batch_size)
        schedule = Schedule(
            epochs=config.epochs or max(12, math.ceil(_LEAST_STEPS / steps)),
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            warmup=config.warmup,
            steps_per_epoch=steps,
            patience=config.patience,
        )

        def batches(epoch: int) -> object:  # noqa: ARG001
            peft_model.train()
            return images.batches(config.batch_size, rng)

        validate = run.validate if len(task.val) else None
        fitted = fit_epochs(trained, batches, run.loss, validate, schedule, task.device)  # type: ignore[arg-type]
        peft_model.eval()
        notes = [] if len(task.val) else ["There is no validation split, so the last epoch was kept."]
        if task.refit:
            notes.append("lora does not refit on validation: its epoch was chosen there.")
        report = FitReport(
            chosen={"epoch": fitted.best_epoch},
            trials=[
                {"epoch": i, "val_accuracy": accuracy, "val_nll": nll}
                for i, (accuracy, nll) in enumerate(
                    zip(fitted.history.get("val_accuracy", []), fitted.history.get("val_nll", []), strict=True), 1
                )
            ],
            trainable_parameters=sum(parameter.numel() for parameter in trained),
            history=fitted.history,
            notes=tuple(notes),
        )
        classes = run.classes().detach().cpu().numpy()
        return AdaptedClassifier(loaded, peft_model, classes, scale, task.model.logit_bias, task.device, report)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `Recipe.restore`."""
        return restore(directory, model, device)


class _Training:
    """Loss and validation of one fit."""

    def __init__(
        self, task: ClassificationTask, config: LoraSettings, loaded: LoadedModel, scale: float, adapts_text: bool
    ) -> None:
        self._task, self._config, self._loaded, self._scale = task, config, loaded, scale
        self._labels = torch.as_tensor(task.train.labels, device=task.device)
        self._sentences = [own[0] for own in task.prompts.sentences("single")]
        self._frozen: Tensor | None = None
        if not adapts_text:
            own = class_embeddings(task.model, task.prompts.sentences(config.prompts))
            self._frozen = torch.from_numpy(own).to(task.device)

    def classes(self) -> Tensor:
        """Class embeddings as they are now, (n_classes, d)."""
        if self._frozen is not None:
            return self._frozen
        return embed_classes(self._loaded, self._sentences, self._task.device)

    def loss(self, pixels: Tensor, index: AnyArray) -> Tensor:
        """Cross-entropy; binary for each label where multi-label."""
        features = F.normalize(self._loaded.image_features(pixels)[1].float(), dim=1)
        classes = self.classes()
        with torch.autocast(pixels.device.type, enabled=False):
            logits = self._scale * features @ classes.T + self._task.model.logit_bias
            target = self._labels[torch.from_numpy(index).to(self._labels.device)]
            if self._task.multi_label:
                return F.binary_cross_entropy_with_logits(logits, target.float())
            return F.cross_entropy(logits, target, label_smoothing=self._config.label_smoothing)

    def validate(self) -> tuple[float, float]:
        """(accuracy, negative log-likelihood) on validation."""
        with torch.no_grad():
            self._loaded.network.eval()
            classes = self.classes()
        bias = self._task.model.logit_bias
        val: LabelledImages = self._task.val
        logits = adapted_scores(self._loaded, val.images, classes, self._scale, bias, self._task.device)
        return _quality(logits, val.labels)


def _quality(logits: FloatArray, labels: AnyArray) -> tuple[float, float]:
    if labels.ndim == 2:
        nll = np.logaddexp(0, np.where(labels, -logits, logits)).mean()
        return float(((logits > 0) == labels).mean()), float(nll)
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    nll = -log_p[np.arange(len(labels)), labels].mean()
    return float((logits.argmax(axis=1) == labels).mean()), float(nll)
