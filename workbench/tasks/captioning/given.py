"""The data that a recipe gets for captioning: images with captions by people."""

from dataclasses import dataclass

from workbench.tasks.image_text.captioned import CaptionedImages
from workbench.tasks.image_text.given import ImageTextTask


@dataclass(frozen=True, kw_only=True)
class CaptioningTask(ImageTextTask):
    """Describe an image in a sentence.

    Attributes:
        train: Training images with their captions.
        val: Validation images with theirs. May be empty.
    """

    train: CaptionedImages
    val: CaptionedImages
