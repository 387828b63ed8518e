"""TPT: for each image the context of the prompt is tuned until views of the image agree on its class.

Shu et al., "Test-Time Prompt Tuning for Zero-Shot Generalization in Vision-Language Models" (NeurIPS 2022): of 64 views
(the evaluation view, and random crops, half of them mirrored) the tenth with the least entropy is kept, the entropy of
their mean prediction is lowered by one step of AdamW at 5e-3 on the context vectors, which begin as "a photo of a", and
the evaluation view is answered with the tuned prompt. Then the prompt is forgotten.

Each image is answered by itself and what is drawn for it depends on its pixels alone, so that inference is inductive.
It is costly: 64 views, and all prompts twice, go through the network for every image. What differs: views are crops
alone, where their code mixes augmentations (AugMix) for some sets.
"""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from adapters._heads.predictors import SavedArrays
from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    Compute,
    FloatArray,
    ImageSet,
    LoadedModel,
    Predictor,
    RecipeConfig,
    RecipeError,
    TaskModel,
)

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.coop.context import ContextPrompts


class TptConfig(RecipeConfig):
    """Settings of `tpt`.

    Attributes:
        views: Views of an image, the evaluation view among them.
        kept: Share of the views, those with the least entropy, whose mean prediction counts, 0..1.
        steps: Steps an image.
        learning_rate: Of AdamW.
        init_template: Words before the class name that the context begins as.
        precision: `auto` follows the run's `--precision`.
    """

    views: int = Field(default=64, ge=2)
    kept: float = Field(default=0.1, gt=0, le=1)
    steps: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    init_template: str = "a photo of a"
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class Tpt(ClassificationRecipe[TptConfig]):
    """Tune the prompt on views of each image, and forget it."""

    Config: ClassVar[type[RecipeConfig]] = TptConfig
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    trains: ClassVar[bool] = False
    stochastic: ClassVar[bool] = True
    unseen: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> Predictor:
        """Load the network, and make the prompts of the class names."""
        compute = Compute.resolve(task.device, self.config.precision, task.model.precision)
        settings = {
            **self.config.model_dump(), "precision": compute.precision, "seed": task.seed,
            "class_names": list(task.prompts.spoken), "bias": task.model.logit_bias,
        }  # fmt: skip
        return PromptTuner({}, settings, scale=task.model.logit_scale).on(task.model, compute)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        found = PromptTuner.restore(directory)
        return found.on(model, Compute(device, found.settings["precision"]))


class PromptTuner(SavedArrays):
    """Tunes the context for one image after the other."""

    _loaded: LoadedModel
    _compute: Compute
    _prompts: "ContextPrompts"

    def on(self, model: TaskModel, compute: Compute) -> "PromptTuner":
        """The same, with the network on a device; raises `RecipeError` if its text tower cannot be tuned."""
        from adapters.coop.context import ContextPrompts

        self._loaded, self._compute = model.load(), compute
        if self._loaded.frozen_reason:
            raise RecipeError(f"tpt: model {model.name!r} cannot be adapted: {self._loaded.frozen_reason}.")
        compute.place(self._loaded.network)
        self._loaded.network.eval().requires_grad_(requires_grad=False)
        self._prompts = ContextPrompts(
            self._loaded, self.settings["class_names"], words=self.settings["init_template"], ending=".", count=0,
            position="end", class_specific=False, compute=compute, recipe="tpt",
        )  # fmt: skip
        self._before = self._prompts.vectors.detach().clone()
        return self

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        from adapters._unlabelled.views import Views, features_of

        views = Views(self._loaded, self._compute, self.settings["views"], self.settings["seed"])
        rows = [
            self._answer(features_of(views(images.decode(i)), self._loaded, self._compute)) for i in range(len(images))
        ]
        return np.asarray(rows, dtype=np.float32).reshape(len(images), len(self.settings["class_names"]))

    def _answer(self, x: "Tensor") -> FloatArray:
        """Logits of the first view, under the prompt that was tuned on all: x is (views, d), of unit norm."""
        import torch

        from adapters._unlabelled.views import surest

        x = x.clone()  # Made in inference mode, where nothing can be differentiated.
        vectors, rng = self._prompts.vectors, np.random.default_rng(0)
        with torch.no_grad():
            vectors.copy_(self._before)
        optimiser = torch.optim.AdamW([vectors], lr=self.settings["learning_rate"])
        chosen: Tensor | None = None
        for _ in range(self.settings["steps"]):
            logits = self.scale * x @ self._prompts.sample(rng).T + self.settings["bias"]
            chosen = surest(logits.detach(), self.settings["kept"]) if chosen is None else chosen
            mean = logits[chosen].log_softmax(dim=1).logsumexp(dim=0) - np.log(len(chosen))
            optimiser.zero_grad()
            (-(mean.exp() * mean).sum()).backward()
            optimiser.step()
        answer = self.scale * x[:1] @ self._prompts.all().T + self.settings["bias"]
        return np.asarray(answer[0].cpu().numpy(), dtype=np.float32)
