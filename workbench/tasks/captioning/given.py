"""What a recipe is given for captioning: images with the captions that people wrote."""

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
