"""The common part of retrieval, matching, grounding and captioning."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.datasets.roles import ROLES
from workbench.errors import RecipeError
from workbench.images import ImageSet
from workbench.recipes import Fitted, Recipe, RunSpec
from workbench.tasks.image_text.captioned import CaptionedImages
from workbench.tasks.image_text.dual_encoder import DualEncoderPredictor
from workbench.tasks.image_text.given import ImageTextTask
from workbench.tasks.image_text.recipe import ImageTextRecipe
from workbench.tasks.task import DatasetTask

if TYPE_CHECKING:
    from workbench.models.task_model import TaskModel
    from workbench.tasks.data import Progress
    from workbench.tasks.split_rows import SplitRows


class ImageText(DatasetTask):
    """Base of the tasks on images and texts.

    Attributes:
        Given: The class of the data that a recipe gets.
    """

    Capability: ClassVar[type[Recipe[Any]]] = ImageTextRecipe
    answers_boxes: ClassVar[bool] = True
    Given: ClassVar[type[ImageTextTask]]

    @classmethod
    def does(cls, recipe: type[Recipe[Any]]) -> bool:
        """See `DatasetTask.does`."""
        return issubclass(recipe, ImageTextRecipe) and cls.Given in recipe.fits

    def rows(self, spec: RunSpec) -> "SplitRows":
        """See `DatasetTask.rows`; shots are training images a class, or in all where there are no classes."""
        if not spec.shots or len(self.data.dataset.class_names):
            return self.data.class_shots(spec)
        return self.data.total_shots(spec, spec.shots)

    def prepare_more(
        self, recipe: Recipe[Any], rows: "SplitRows", progress: "Progress | None" = None
    ) -> None:  # fmt: skip
        """See `DatasetTask.prepare_more`: the tiles of images."""
        n = recipe.tiles(self.Given) if isinstance(recipe, ImageTextRecipe) else 0
        if n:
            self.data.prepare_tiles(np.concatenate([rows.seen(split) for split in ROLES]), n, progress)

    def common_fields(self, spec: RunSpec, *, refit: bool) -> dict[str, Any]:
        """The fields of every `ImageTextTask` besides its data."""
        return {
            "dataset": self.data.dataset.name, "model": self.data.model, "shots": spec.shots, "seed": spec.seed,
            "device": self.data.device, "refit": refit,
        }  # fmt: skip

    def captioned(self, rows: IntArray, *, unseen: bool = False) -> CaptionedImages:
        """Images with their texts; an image without a caption is in no pair. For `unseen` see `TaskData.images`."""
        dataset = self.data.dataset
        number: dict[str, int] = {}
        pairs = [
            (i, number.setdefault(text, len(number)))
            for i, texts in enumerate(dataset.captions(rows))
            for text in texts
        ]
        positives = np.unique(np.array(pairs, dtype=np.int64).reshape(-1, 2), axis=0)
        images = self.data.images(rows, unseen=unseen)
        return CaptionedImages(images, tuple(number), positives, dataset.groups(rows))

    def fit(self, recipe: Any, given: Sequence[Any]) -> Sequence[Fitted]:
        """See `DatasetTask.fit`."""
        return [recipe.fit_image_text(task) for task in given]

    @classmethod
    def restore(cls, recipe: type[Any], directory: Path, model: "TaskModel", device: str) -> Fitted:
        """See `DatasetTask.restore`."""
        predictor: Fitted = recipe.restore_image_text(directory, model, device)
        return predictor

    @classmethod
    def score_boxes(
        cls,
        predictor: Fitted,
        regions: ImageSet,
        texts: Sequence[str],
        model: "TaskModel",  # noqa: ARG003
    ) -> FloatArray:
        """See `DatasetTask.score_boxes`; of predictors that embed images and texts in one space."""
        if not isinstance(predictor, DualEncoderPredictor):
            raise RecipeError(f"a {type(predictor).__name__} scores no parts of an image.")
        images, sentences = unit_embeddings(predictor, regions, tuple(texts), type(predictor).__name__)
        return np.asarray(predictor.scale * (sentences @ images.T) + predictor.bias, dtype=np.float32)


def unit_embeddings(
    predictor: DualEncoderPredictor, images: ImageSet, texts: tuple[str, ...], recipe: str
) -> tuple[FloatArray, FloatArray]:
    """Unit embeddings of images and texts.

    Raises:
        RecipeError: An embedding is missing, not finite, or of another width than the rest.
    """
    normalised: list[FloatArray] = []
    for what, embeddings, count in (
        ("images", predictor.embed_images(images), len(images)),
        ("texts", predictor.embed_texts(texts), len(texts)),
    ):
        array = np.asarray(embeddings, dtype=np.float32)
        if array.ndim != 2 or len(array) != count or (normalised and array.shape[1] != normalised[0].shape[1]):
            width = normalised[0].shape[1] if normalised else "d"
            raise RecipeError(
                f"recipe {recipe!r} gave {what} embeddings of shape {array.shape}, expected ({count}, {width})."
            )
        if not np.isfinite(array).all():
            raise RecipeError(f"recipe {recipe!r} gave {what} embeddings that are not finite.")
        normalised.append(normalise(array))
    return normalised[0], normalised[1]
