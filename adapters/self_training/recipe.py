"""Self-training: a recipe is fitted on images without labels, each with the class that it is likeliest of.

Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks" (ICML Workshop on
Challenges in Representation Learning, 2013). Of the images that are taken for a class only the surest are labelled, as
in Huang, Chu and Wei, "Unsupervised Prompt Learning for Vision-Language Models" (2022): a threshold of probability,
the same for all, would give some classes none, since CLIP prefers some. Then the recipe labels the images anew, for as
many rounds as asked. Labelled images take part where there are any.

`self-training` fits a head on stored features, `self-training-lora` trains through the network, whose weights
`--model run:RUN` and `workbench export` take. Nothing of the target's labels is used: without validation images a
head's hyper-parameters are chosen by cross-validation on pseudo-labels, or are its defaults.
"""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from adapters._unlabelled.base import BaseConfig, Bases, restored
from adapters._unlabelled.start import StartConfig, zero_shot
from adapters.clip_lora import ClipLora
from adapters.gda import Gda
from adapters.linear_probe import LinearProbe
from adapters.linear_probe_text import LinearProbeText
from adapters.lora import Lora
from adapters.self_training.predictor import SelfTrained, saved_name, saved_part
from adapters.self_training.pseudo_labels import PseudoLabels
from workbench.plugin import ClassificationRecipe, ClassificationTask, Predictor, RecipeConfig, RecipeError, TaskModel

_HEADS: Bases = {"linear-probe": LinearProbe, "linear-probe-text": LinearProbeText, "gda": Gda}
_NETWORKS: Bases = {"lora": Lora, "clip-lora": ClipLora}


class RoundsConfig(StartConfig, BaseConfig):
    """Settings of self-training, whatever is fitted.

    Attributes:
        base: The recipe that is fitted on pseudo-labels.
        base_settings: Its settings.
        per_class: Most images that are labelled of each class, the surest; None takes all.
        threshold: Least probability of a labelled image, 0..1.
        rounds: How often images are labelled and the base is fitted.
        start: What labels the images first: `zero-shot`, or the base fitted on `labelled` images.
    """

    per_class: int | None = Field(default=16, ge=1)
    threshold: float = Field(default=0.0, ge=0, lt=1)
    rounds: int = Field(default=2, ge=1)
    start: Literal["zero-shot", "labelled"] = "zero-shot"


class SelfTrainingConfig(RoundsConfig):
    """Settings of `self-training`; see `RoundsConfig`."""

    __doc__ = RoundsConfig.__doc__

    bases: ClassVar[Bases] = _HEADS

    base: Literal["linear-probe", "linear-probe-text", "gda"] = "linear-probe"


class SelfTrainingLoraConfig(RoundsConfig):
    """Settings of `self-training-lora`; see `RoundsConfig`."""

    __doc__ = RoundsConfig.__doc__

    bases: ClassVar[Bases] = _NETWORKS

    base: Literal["lora", "clip-lora"] = "lora"
    rounds: int = Field(default=1, ge=1)


C = TypeVar("C", bound=RoundsConfig)


class Rounds(ClassificationRecipe[C], Generic[C]):
    """Labels the unlabelled images, and fits a recipe on them."""

    unlabelled: ClassVar[bool] = True
    zero_shots: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> Predictor:
        """Label and fit, as often as asked."""
        config, pool = self.config, task.unlabelled
        if pool is None or not len(pool):
            raise RecipeError("self-training needs unlabelled images, and there are none.")
        if config.start == "labelled" and not len(task.train):
            raise RecipeError('self-training: start = "labelled" needs labelled images, and there are none.')
        teacher: Predictor = config.fitted(task) if config.start == "labelled" else zero_shot(task, config)
        notes: list[str] = []
        before: PseudoLabels | None = None
        for number in range(1, config.rounds + 1):
            pseudo = PseudoLabels.of(teacher.scores(pool), config.per_class, config.threshold)
            if not len(pseudo.rows):
                raise RecipeError(
                    f"self-training: no unlabelled image has a probability of {config.threshold} in round {number}; "
                    "lower the threshold."
                )
            notes.append(_what_became(number, pseudo, before, len(pool), task.n_classes))
            before = pseudo
            labelled = task.train + pseudo.images(pool) if len(task.train) else pseudo.images(pool)
            shots = max(1, round(len(labelled) / task.n_classes))
            teacher = config.fitted(replace(task, train=labelled, shots=shots, unlabelled=None))
        report = replace(teacher.report, notes=(*teacher.report.notes, *notes))
        return SelfTrained(config.base, teacher, report)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        name = saved_name(directory)
        return SelfTrained(name, restored({**_HEADS, **_NETWORKS}, name, saved_part(directory), model, device))


class SelfTraining(Rounds[SelfTrainingConfig]):
    """Fit a head on the features of images that it has labelled itself."""

    Config: ClassVar[type[RecipeConfig]] = SelfTrainingConfig


class SelfTrainingLora(Rounds[SelfTrainingLoraConfig]):
    """Train adapters in the network on images that it has labelled itself."""

    Config: ClassVar[type[RecipeConfig]] = SelfTrainingLoraConfig
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True


def _what_became(number: int, pseudo: PseudoLabels, before: PseudoLabels | None, count: int, n_classes: int) -> str:
    lacking = n_classes - len(set(pseudo.labels.tolist()))
    text = f"Round {number}: {len(pseudo.rows)} of {count} unlabelled images have a pseudo-label"
    if before is not None:
        text += f", {pseudo.changed_since(before)} of them another than before or none then"
    return text + (f"; {lacking} of {n_classes} classes have none." if lacking else ".")
