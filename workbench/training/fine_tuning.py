"""Train some parameters of a dual encoder to classify: images against their classes' sentences."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from workbench.arrays import AnyArray, FloatArray
from workbench.images import ImageSet
from workbench.models import LoadedModel
from workbench.models.class_embeddings import class_embeddings
from workbench.recipes import FitReport
from workbench.tasks import ClassificationTask, LabelledImages
from workbench.training._class_texts import ClassEmbedder, ClassTexts
from workbench.training._report import fit_report
from workbench.training.batches import Batch, parts_of
from workbench.training.group import Group, current_group
from workbench.training.interpolation import choose_alpha, interpolate
from workbench.training.loop import Quality, TrainingResult, restore, snapshot, train
from workbench.training.network import checkpointed, image_projection
from workbench.training.objective import classification_loss, classification_quality
from workbench.training.pixels import Augmentation, MemoryBudget, PixelSource
from workbench.training.precision import Compute
from workbench.training.settings import FixedBudget, TrainingSettings
from workbench.training.targets import Targets

_EPOCHS = 12


@dataclass(frozen=True)
class FineTuned:
    """The parts of an `EncoderClassifier` besides the network.

    Attributes:
        classes: (n_classes, d) class embeddings of unit norm, by the text tower as it is after training.
        scale: Multiplier of the cosines.
        bias: (n_classes,).
        report: For the run record.
    """

    classes: FloatArray
    scale: float
    bias: FloatArray
    report: FitReport


def fine_tune(
    loaded: LoadedModel,
    parameters: Mapping[str, nn.Parameter],
    task: ClassificationTask,
    config: TrainingSettings,
    compute: Compute,
    *,
    learning_rate: float,
    image: bool = True,
    text: bool | ClassEmbedder = False,
    mode: Callable[[bool], object] | None = None,
    alphas: Sequence[float] = (1.0,),
    default_alpha: float = 1.0,
    goes_back: Callable[[str], bool] = lambda _: True,
    budget: FixedBudget | None = None,
    name: str = "training",
) -> FineTuned:
    """Minimise the cross-entropy of `scale * cos(image, class)` (binary cross-entropy where multi-label).

    - The network stays in eval mode: batch-norm statistics are frozen and there is no stochastic depth.
    - Class embeddings are those of zero-shot. While the text tower is trained, each step embeds one sentence of each
      class, drawn at random; evaluation uses all of them.
    - Multi-label needs an offset, since cosines of dual encoders are far from zero: a fixed one for each class, such
      that the mean logit on the training images before training is the logit of the class's frequency.
    - Classes that the task has no image of (`task.unseen`) take part in neither loss nor validation, where they could
      only be wrong; they are embedded like all others when training is over.
    - The best epoch is chosen on validation, that before training included; then, where there are several `alphas`,
      how far to go from the weights before training to that epoch's (see `interpolate`). With `task.refit`, training is
      then repeated from the start on train and validation up to that epoch, and that far.

    Args:
        loaded: On the device of `compute`; changed in place.
        parameters: Trained ones, by name; they belong to `loaded.network`.
        task: The task to fit.
        config: Training settings.
        compute: Device and precision.
        learning_rate: Peak of the schedule.
        image: Whether parameters of the image tower are among them. If not, cached features serve.
        text: Whether parameters of the text tower are among them, or what gives class embeddings in its place.
        mode: See `train`; what it switches must be off at first.
        alphas: Steps between the weights before (0) and after (1) training, of which validation chooses.
        default_alpha: The step where there is no validation.
        goes_back: Of a parameter's name, whether it is among those between whose values steps are taken; others keep
            those after training.
        budget: Training of a fixed length; without it validation chooses the epoch.
        name: Prefix of log messages.

    Raises:
        RecipeError: The loss is not finite.
    """
    with checkpointed(loaded.network, enabled=config.checkpointing):
        tuning = _Tuning(loaded, parameters, task, config, compute, learning_rate, image, text, mode, budget, name)
        return tuning.fit(alphas, default_alpha, goes_back)


@dataclass
class _Tuning:
    """The arguments of `fine_tune`, with values derived from them."""

    loaded: LoadedModel
    parameters: Mapping[str, nn.Parameter]
    task: ClassificationTask
    config: TrainingSettings
    compute: Compute
    learning_rate: float
    image: bool
    text: bool | ClassEmbedder
    mode: Callable[[bool], object] | None
    budget: FixedBudget | None
    name: str

    def __post_init__(self) -> None:
        self.loaded.network.eval()
        self._project = image_projection(self.loaded, compiled=self.config.compile)
        self._budget = MemoryBudget(self.config.cache_gib * 2**30)
        self._texts: ClassEmbedder | None = None
        if isinstance(self.text, bool):
            sentences = self.task.prompts.sentences(self.config.prompts)
            self._frozen = class_embeddings(self.task.model, sentences)
            if self.text:
                self._texts = ClassTexts(self.loaded, sentences, self.compute)
        else:
            self._texts = self.text
            self._frozen = self._texts.all().cpu().numpy()
        self._fixed = torch.from_numpy(self._frozen).to(self.compute.device)
        self._targets = Targets(self.task, self._frozen, self.config.scale, self.compute.device)
        self._batch_size = self.config.batch_size or min(max(len(self.task.train) // 32, 16), 128)
        steps = self._steps(self.task.train)
        self._epochs = self.config.epochs or max(_EPOCHS, math.ceil(self.config.min_steps / steps))
        if self.budget is not None:
            self._epochs = self.budget.epochs or math.ceil((self.budget.steps or steps) / steps)
        self.validate = self._validation(self.task.val) if len(self.task.val) else None

    def fit(self, alphas: Sequence[float], default_alpha: float, goes_back: Callable[[str], bool]) -> FineTuned:
        """Train, choose the epoch and how far to go to it, and train anew where the task asks."""
        if self.budget is not None:
            joined = self.task.refit and len(self.task.val) > 0
            fixed = self.run(self.task.train + self.task.val if joined else self.task.train, None)
            report = fit_report(
                fixed, self.parameters, 1.0, {}, refit=self.task.refit, unseen=bool(self.task.unseen), fixed=True
            )
            return FineTuned(self.classes(), self._targets.scale, self._targets.bias, report)
        before = snapshot(self.parameters)
        trained = self.run(self.task.train, self.validate)
        after = snapshot(self.parameters)
        start = {name: before[name] if goes_back(name) else value for name, value in after.items()}
        tried: dict[float, Quality] = {}
        if len(alphas) > 1 and self.validate and trained.epoch:
            alpha, tried = choose_alpha(self.parameters, start, after, alphas, self.validate)
        else:
            alpha = alphas[0] if len(alphas) == 1 else default_alpha
            interpolate(self.parameters, start, after, alpha)
        if self.task.refit and self.validate and trained.epoch:
            restore(self.parameters, before)
            self.run(self.task.train + self.task.val, None, stop_after=trained.epoch)
            after = snapshot(self.parameters)
            start = {name: before[name] if goes_back(name) else value for name, value in after.items()}
            interpolate(self.parameters, start, after, alpha)
        report = fit_report(
            trained, self.parameters, alpha, tried, refit=self.task.refit, unseen=bool(self.task.unseen)
        )
        return FineTuned(self.classes(), self._targets.scale, self._targets.bias, report)

    def run(
        self, data: LabelledImages, validate: Callable[[], Quality] | None, stop_after: int | None = None
    ) -> TrainingResult:
        """Train on `data`."""
        config, steps, group = self.config, self._steps(data), current_group()
        labels = self._targets.labels(data)
        # Sentences are drawn anew in every step, from a stream of their own.
        rng = np.random.default_rng([self.task.seed, 1])
        return train(
            self.parameters,
            self._batches(data.images, steps, group),
            lambda batch: self._loss(batch, labels, rng),
            parts=partial(parts_of, size=config.micro_batch_size, rng=rng),
            epochs=self._epochs,
            steps_per_epoch=steps,
            learning_rate=self.learning_rate,
            weight_decay=config.weight_decay,
            warmup=config.warmup,
            validate=validate,
            mode=self.mode,
            patience=config.patience,
            stop_after=stop_after,
            optimizer=self.budget.optimizer if self.budget else "adamw",
            group=group,
            name=self.name,
        )

    def _steps(self, data: LabelledImages) -> int:
        return math.ceil(len(data) / self._batch_size)

    def classes(self) -> FloatArray:
        """Embeddings of all sentences by the present text tower."""
        return self._frozen if self._texts is None else self._texts.all().cpu().numpy()

    def _batches(self, images: ImageSet, steps: int, group: Group | None) -> Callable[[int], Iterable[Batch]]:
        seed = self.task.seed

        def shuffled(epoch: int) -> list[AnyArray]:
            return np.array_split(np.random.default_rng([seed, 0, epoch]).permutation(len(images)), steps)

        if self.image:
            pixels = PixelSource(images, self.loaded, self.compute, self._budget)
            augmentation = Augmentation(self.config.min_crop, self.config.flip)
        else:
            embedded = self._cached(images)

        def batches(epoch: int) -> Iterator[Batch]:
            whole = shuffled(epoch)
            own = whole if group is None else [group.own(rows) for rows in whole]
            if self.image:
                shown = pixels.training(own, augmentation, seed, epoch)
            else:
                shown = ((rows, embedded[rows]) for rows in own)
            for rows, (own_rows, images_shown) in zip(whole, shown, strict=True):
                yield Batch(own_rows, images_shown, len(own_rows) / len(rows))

        return batches

    def _loss(self, batch: Batch, labels: Tensor, rng: np.random.Generator) -> Tensor:
        classes = self._fixed if self._texts is None else self._texts.sample(rng)
        logits = self._targets.logits(self._embed(batch.shown), classes)
        return classification_loss(logits, labels[batch.rows], self.config.label_smoothing)

    def _validation(self, val: LabelledImages) -> Callable[[], Quality]:
        labels = self._targets.labels(val)
        views: Callable[[], Iterator[Tensor]]
        if self.image:
            pixels = PixelSource(val.images, self.loaded, self.compute, self._budget)
            views = partial(pixels.evaluation, 256 if self.compute.on_gpu else 64)
        else:
            embedded = self._cached(val.images)
            views = lambda: iter([embedded])  # noqa: E731

        def quality() -> Quality:
            with torch.no_grad():
                classes = self._fixed if self._texts is None else self._texts.all()
                logits = torch.cat([self._targets.logits(self._embed(view), classes) for view in views()])
            return classification_quality(logits, labels)

        return quality

    def _embed(self, shown: Tensor) -> Tensor:
        if not self.image:
            return shown
        with self.compute.autocast():
            return self._project(shown)

    def _cached(self, images: ImageSet) -> Tensor:
        return torch.from_numpy(images.features.projected).to(self.compute.device)
