"""The recipe `coop`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from adapters._presets import PresetConfig
from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    ClassPrompts,
    OptimisationSettings,
    Predictor,
    RecipeConfig,
    RecipeError,
    TaskModel,
)

if TYPE_CHECKING:
    from adapters.coop.classifier import CoopClassifier
    from adapters.coop.context import ContextPrompts
    from workbench.plugin import Compute, FixedBudget, LoadedModel


class CoopSettings(OptimisationSettings, PresetConfig):
    """Settings of `coop`.

    The preset `paper`: SGD at 2e-3 with momentum 0.9 and weight decay 5e-4, batches of 32; 50 epochs for one image a
    class, 100 up to 4 and 200 beyond, or `epochs` where they are given, of which the last is kept. A warm-up of 1 % of
    the steps stands for the published first epoch at 1e-5.

    Attributes:
        n_context: Number of context vectors; with `init_template` the number of its words' tokens counts instead.
        position: Place of the class name: after the context, or in its middle.
        class_specific: Each class has its own context; best where images are many; classes without any cannot have one.
        init_template: Sentence with `{}` for the class whose words the context begins with, such as `a photo of a {}.`;
            None begins with noise.
        learning_rate: Peak.
        batch_size: As the paper's: a step costs the embedding of all prompts, however many images it has.
        min_steps: More than where images are passed through the network, which is what takes long.
    """

    paper: ClassVar[Mapping[str, Any]] = {"learning_rate": 2e-3, "weight_decay": 5e-4, "warmup": 0.01}

    n_context: int = Field(default=16, ge=1)
    position: Literal["end", "middle"] = "end"
    class_specific: bool = False
    init_template: str | None = None
    learning_rate: float = Field(default=5e-3, gt=0)
    batch_size: int | None = Field(default=32, ge=1)
    min_steps: int = Field(default=200, ge=1)

    @field_validator("init_template")
    @classmethod
    def _has_one_place(cls, template: str | None) -> str | None:
        if template is not None and template.count("{}") != 1:
            raise ValueError("must hold {} once, where the class name goes")
        return template


class Coop(ClassificationRecipe[CoopSettings]):
    """Learn the context of the prompt; the best epoch is chosen on validation."""

    Config: ClassVar[type[RecipeConfig]] = CoopSettings
    # It trains on cached image features; the network is loaded for its text tower.
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> "CoopClassifier":
        """Train the context vectors, and keep the class embeddings that they give."""
        from adapters.coop.classifier import CoopClassifier
        from workbench.plugin import Compute, TrainingSettings, fine_tune, seeded

        if len(task.train) == 0:
            raise RecipeError("coop: there are no training images.")
        config = self.config
        if config.class_specific and task.unseen:
            raise RecipeError("coop: class_specific: classes without training images need a context that all share.")
        compute = Compute.resolve(task.device, config.precision, task.model.precision)
        loaded = task.model.load()
        compute.place(loaded.network)
        with seeded(task.seed, task.device):
            prompts = self._prompts(loaded, task.prompts.spoken, compute)
            shared = {name: getattr(config, name) for name in OptimisationSettings.model_fields}
            tuned = fine_tune(
                loaded, {"context": prompts.vectors}, task, TrainingSettings(**shared), compute,
                learning_rate=config.learning_rate, image=False, text=prompts, budget=self.budget(task), name="coop",
            )  # fmt: skip
        context = prompts.vectors.detach().cpu().numpy()
        return CoopClassifier(context, tuned.classes, tuned.bias, scale=tuned.scale, report=tuned.report)

    def for_classes(
        self, predictor: Predictor, prompts: ClassPrompts, model: TaskModel, device: str
    ) -> "CoopClassifier":
        """See `ClassificationRecipe.for_classes`: the learned context stands before the names of the other classes."""
        import torch

        from adapters.coop.classifier import CoopClassifier
        from workbench.plugin import Compute

        if self.config.class_specific or not isinstance(predictor, CoopClassifier):
            raise RecipeError("coop: class_specific: other classes need a context that all share.")
        compute = Compute.resolve(device, self.config.precision, model.precision)
        loaded = model.load()
        compute.place(loaded.network)
        learned = self._prompts(loaded, prompts.spoken, compute)
        with torch.no_grad():
            learned.vectors.copy_(torch.from_numpy(predictor.context))
        bias = np.full(len(prompts.class_names), predictor.bias.mean(), dtype=np.float32)
        classes = learned.all().cpu().numpy()
        return CoopClassifier(predictor.context, classes, bias, scale=predictor.scale, report=predictor.report)

    def _prompts(self, loaded: "LoadedModel", names: Sequence[str], compute: "Compute") -> "ContextPrompts":
        from adapters.coop.context import ContextPrompts

        config = self.config
        words, ending = (config.init_template or "{}.").split("{}")
        return ContextPrompts(
            loaded, names, words=words.strip() if config.init_template else None, ending=ending,
            count=config.n_context, position=config.position, class_specific=config.class_specific, compute=compute,
        )  # fmt: skip

    def budget(self, task: ClassificationTask) -> "FixedBudget | None":
        """The published length of training; None lets validation choose the epoch."""
        from workbench.plugin import FixedBudget

        if self.config.preset == "quick":
            return None
        shots = task.shots or max(1, round(len(task.train) / task.n_classes))
        by_shots = 50 if shots == 1 else 100 if shots <= 4 else 200
        return FixedBudget(epochs=self.config.epochs or by_shots, optimizer="sgd")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        from adapters.coop.classifier import CoopClassifier

        return CoopClassifier.restore(directory)
