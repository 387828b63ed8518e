"""The recipe `linear-head`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from adapters._holdout import Holdout, hold_out_classes
from adapters.linear_head.classifier import HeadClassifier, class_weights
from workbench.plugin import (
    AnyArray,
    CaptionedImages,
    Choices,
    ClassificationRecipe,
    ClassificationTask,
    FitReport,
    FloatArray,
    GroundingTask,
    ImageSet,
    ImageTextRecipe,
    ImageTextTask,
    LinearDualEncoder,
    MatchingTask,
    Predictor,
    RecipeConfig,
    RecipeError,
    RetrievalTask,
    TaskModel,
    normalise,
)

if TYPE_CHECKING:
    from adapters.linear_head.training import HeadTrial

_MARGINS = [round(0.01 * step, 2) for step in range(101)]

Space = Literal["pooled", "projected"]


class LinearHeadConfig(RecipeConfig):
    """Settings of `linear-head`.

    Attributes:
        loss: `contrastive` (CLIP's softmax) or `sigmoid` (SigLIP's), both with several positives. Matching and
            grounding have a softmax over an item's candidates instead, statements a sigmoid.
        features: x of images: `pooled`, `projected`, or `auto`: validation chooses.
        rank: Rank of W; None trains the full matrix.
        adapt: Whether images, texts or both pass through a W.
        learning_rates: AdamW's peak rates, of which validation chooses.
        weight_decay: AdamW's decoupled weight decay.
        epochs: Passes over the training data; validation chooses the best.
        batch_size: Images or items a step.
        scale: Multiplier of cosines at the beginning; None takes the model's own, and 10 for the sigmoid loss.
        prompts: In classification: sentences that stand for a class.
        calibrate: In classification with classes that have no training image: take a margin off the scores of the
            others, which training favours.
    """

    loss: Literal["contrastive", "sigmoid"] = "contrastive"
    features: Literal["auto", "pooled", "projected"] = "auto"
    rank: int | None = Field(default=None, ge=1)
    adapt: Literal["image", "text", "both"] = "both"
    learning_rates: tuple[float, ...] = Field(default=(1e-3, 1e-2), min_length=1)
    weight_decay: float = Field(default=0.01, ge=0)
    epochs: int = Field(default=15, ge=1)
    batch_size: int = Field(default=256, ge=2)
    scale: float | None = Field(default=None, gt=0)
    prompts: Literal["single", "ensemble", "descriptions", "mix"] = "ensemble"
    calibrate: bool = True


@dataclass(frozen=True)
class HeadData:
    """A split as the head's training sees it.

    Attributes:
        data: The split.
        texts: (m, embed_dim) of its texts, not normalised.
    """

    data: CaptionedImages | Choices
    texts: FloatArray


class LinearHead(ClassificationRecipe[LinearHeadConfig], ImageTextRecipe[LinearHeadConfig]):
    """Train linear maps of cached image and text features; everything is chosen on validation."""

    Config: ClassVar[type[RecipeConfig]] = LinearHeadConfig
    fits: ClassVar[tuple[type[ImageTextTask], ...]] = (RetrievalTask, MatchingTask, GroundingTask)
    stochastic: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True

    def fit_image_text(self, task: ImageTextTask) -> LinearDualEncoder:
        """See `ImageTextRecipe.fit_image_text`."""
        if not isinstance(task, RetrievalTask | MatchingTask | GroundingTask):
            raise RecipeError(f"linear-head does not do {type(task).__name__}.")
        statements = isinstance(task, MatchingTask) and task.form == "statement"
        return self._fit(task.train, task.val, task.model, task.seed, task.device, statements, task.refit)

    def fit(self, task: ClassificationTask) -> Predictor:
        """Images against the sentences of their classes."""
        sentences = task.prompts.sentences(self.config.prompts)
        train, val = (_captioned(part.images, part.labels, sentences) for part in (task.train, task.val))
        head = self._fit(train, val, task.model, task.seed, task.device, False, task.refit)
        bias = np.full(task.n_classes, head.bias, dtype=np.float32)
        seen = np.unique(task.train.labels)
        calibrates = self.config.calibrate and len(seen) < task.n_classes
        if calibrates and (holdout := hold_out_classes(task, seen)) is not None:
            margin = self._seen_margin(holdout, head)
            bias[seen] -= np.float32(head.scale * margin)
            head.report.chosen["seen_margin"] = margin
        return HeadClassifier(head, class_weights(head, task.model, sentences), bias)

    def _seen_margin(self, holdout: Holdout, head: LinearDualEncoder) -> float:
        """The margin to take off seen classes' cosines: the best one of a head that is trained without the holdout."""
        task = holdout.task
        sentences = task.prompts.sentences(self.config.prompts)
        config = self.config.model_copy(
            update={"features": head.space, "learning_rates": (float(head.report.chosen["learning_rate"]),)}
        )
        train, val = (_captioned(part.images, part.labels, sentences) for part in (task.train, task.val))
        trial = LinearHead(config)._fit(train, val, task.model, task.seed, task.device, False, False)
        classes = class_weights(trial, task.model, sentences)
        val_scores, holdout_scores = (
            normalise(trial.embed_images(part.images)) @ classes.T for part in (task.val, holdout.images)
        )  # fmt: skip
        return holdout.best_margin(val_scores, holdout_scores, _MARGINS)[0]

    def _fit(
        self,
        train: CaptionedImages | Choices,
        val: CaptionedImages | Choices,
        model: TaskModel,
        seed: int,
        device: str,
        statements: bool,
        refit: bool,
    ) -> LinearDualEncoder:
        from adapters.linear_head.training import train_head

        if len(train) == 0:
            raise RecipeError("linear-head: there are no training images.")
        if not train.has_pairs:
            raise RecipeError("linear-head: no training image has a text, so there is nothing to learn from.")
        splits = HeadData(train, model.encode_texts(train.texts)), HeadData(val, model.encode_texts(val.texts))
        trials = [
            train_head(*splits, self.config, space, rate, model.logit_scale, seed, device, statements)
            for space, rate in self._grid(val.has_pairs)
        ]
        best = max(trials, key=lambda trial: trial.score)
        return LinearDualEncoder(
            model, best.image, best.text, space=best.space, scale=best.scale, bias=best.bias,
            report=self._report(trials, best, val, refit),
        )  # fmt: skip

    def _grid(self, validated: bool) -> Iterator[tuple[Space, float]]:
        spaces: tuple[Space, ...] = ("pooled", "projected")
        if self.config.features != "auto":
            spaces = (self.config.features,)
        grid = list(product(spaces, self.config.learning_rates))
        yield from grid if validated else grid[:1]

    def _report(
        self, trials: "list[HeadTrial]", best: "HeadTrial", val: CaptionedImages | Choices, refit: bool
    ) -> FitReport:
        notes = []
        if not val.has_pairs:
            lack = "No validation image has a text" if len(val) else "There is no validation split"
            notes.append(f"{lack}, so features, learning rate and epochs are the first or all.")
        if refit:
            notes.append("linear-head does not refit on train and validation; validation chose its epoch.")
        return FitReport(
            chosen={"features": best.space, "learning_rate": best.rate, "epoch": best.epoch},
            trials=[
                {"features": t.space, "learning_rate": t.rate, "epoch": t.epoch, **t.measures} for t in trials
            ],
            trainable_parameters=best.parameters,
            history=best.history,
            notes=tuple(notes),
        )  # fmt: skip

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return HeadClassifier.restore(directory, model)


def _captioned(images: ImageSet, labels: AnyArray, sentences: list[list[str]]) -> CaptionedImages:
    """Images with all sentences of their classes; classes without an image are not in it."""
    number: dict[str, int] = {}
    pairs = [
        (i, number.setdefault(text, len(number))) for i, c in enumerate(labels.tolist()) for text in sentences[c]
    ]  # fmt: skip
    return CaptionedImages(images, tuple(number), np.unique(np.array(pairs, dtype=np.int64).reshape(-1, 2), axis=0))
