"""The data that a recipe gets for retrieval."""

from dataclasses import dataclass

from workbench.tasks.image_text.captioned import CaptionedImages
from workbench.tasks.image_text.given import ImageTextTask


@dataclass(frozen=True, kw_only=True)
class RetrievalTask(ImageTextTask):
    """Find the texts of an image, and the images of a text.

    Attributes:
        train: Training images with their texts.
        val: Validation images with theirs. May be empty.
    """

    train: CaptionedImages
    val: CaptionedImages
