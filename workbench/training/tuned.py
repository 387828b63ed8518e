"""A dual encoder some of whose own weights were trained, as a classifier that is saved, restored and merged."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.arrays import FloatArray
from workbench.errors import RecipeError
from workbench.models import LoadedModel, is_image_parameter
from workbench.models.task_model import TaskModel
from workbench.recipes import FitReport
from workbench.tasks import ClassificationTask
from workbench.training.classifier import EncoderClassifier, SavedClassifier
from workbench.training.settings import TrainingSettings
from workbench.training.weights import put_weights, read_weights, write_weights

if TYPE_CHECKING:
    from torch import nn

    from workbench.training.precision import Compute


class TunedClassifier(EncoderClassifier):
    """A classifier from `fine_tune` on the network's own parameters.

    Args:
        loaded: The network, on the device of `compute`.
        parameters: The trained parameters, by their names in the network.
        adapts_images: Whether some are the image tower's; if not, the base model's cached features serve.
        compute: Device and precision.
        classes: (n_classes, d) class embeddings of unit norm.
        scale: Multiplier of the cosines.
        bias: (n_classes,) added last.
        report: How it was fitted.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        parameters: "Mapping[str, nn.Parameter]",
        adapts_images: bool,
        compute: "Compute",
        classes: FloatArray,
        *,
        scale: float,
        bias: FloatArray,
        report: FitReport | None = None,
    ) -> None:
        super().__init__(loaded if adapts_images else None, compute, classes, scale=scale, bias=bias, report=report)
        self._tuned = loaded
        self._weights = {name: parameter.detach() for name, parameter in parameters.items()}

    @classmethod
    def fit(
        cls,
        task: ClassificationTask,
        config: TrainingSettings,
        select: "Callable[[nn.Module], Mapping[str, nn.Parameter]]",
        *,
        learning_rate: "Callable[[nn.Module], float]",
        alphas: Sequence[float] = (1.0,),
        default_alpha: float = 1.0,
        name: str = "training",
    ) -> Self:
        """Train parameters of a private copy of the model by `fine_tune`.

        Args:
            task: The task to fit.
            config: Training settings.
            select: The parameters to train, by name, out of a network that is otherwise left as it is.
            learning_rate: Peak of the schedule, for a network.
            alphas: See `fine_tune`.
            default_alpha: See `fine_tune`.
            name: Prefix of log messages and errors.

        Raises:
            RecipeError: There are no training images, the model cannot be trained, or nothing was selected.
        """
        from workbench.training.fine_tuning import fine_tune
        from workbench.training.precision import Compute
        from workbench.training.seeding import seeded

        if len(task.train) == 0:
            raise RecipeError(f"{name}: there are no training images.")
        loaded = task.model.load()
        if loaded.frozen_reason:
            raise RecipeError(f"{name}: model {task.model.name!r} cannot be adapted: {loaded.frozen_reason}.")
        compute = Compute.resolve(task.device, config.precision, task.model.precision)
        compute.place(loaded.network)
        parameters = select(loaded.network)
        if not parameters:
            raise RecipeError(f"{name}: model {task.model.name!r} has no such parameters to train.")
        for parameter in parameters.values():
            parameter.requires_grad_()
        image = any(is_image_parameter(key) for key in parameters)
        text = not all(is_image_parameter(key) for key in parameters)
        with seeded(task.seed, task.device):
            tuned = fine_tune(
                loaded, parameters, task, config, compute, learning_rate=learning_rate(loaded.network),
                image=image, text=text, alphas=alphas, default_alpha=default_alpha, name=name,
            )  # fmt: skip
        return cls(
            loaded, parameters, image, compute, tuned.classes,
            scale=tuned.scale, bias=tuned.bias, report=tuned.report,
        )  # fmt: skip

    @property
    def text_network(self) -> LoadedModel | None:
        """See `EncoderClassifier.text_network`."""
        return None if all(map(is_image_parameter, self._weights)) else self._tuned

    def save(self, directory: Path) -> None:
        """Add the trained weights, `weights.safetensors`, to what `EncoderClassifier.save` writes."""
        super().save(directory)
        write_weights(self._weights, directory)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Self:
        """Read what `save` wrote."""
        saved = SavedClassifier.read(directory, device)
        loaded = model.load()
        saved.compute.place(loaded.network)
        parameters = put_weights(loaded, read_weights(directory))
        return cls(
            loaded, parameters, saved.adapts_images, saved.compute, saved.classes, scale=saved.scale, bias=saved.bias
        )

    def merged(self, model: TaskModel) -> LoadedModel:
        """See `Predictor.merged`; the logit scale is the one that the scores are made with."""
        import torch

        loaded = model.load()
        put_weights(loaded, self._weights)
        parts: Any = loaded.network
        with torch.no_grad():
            parts.logit_scale.fill_(math.log(self.scale))
        return loaded
