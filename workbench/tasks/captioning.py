"""What a captioning recipe is given to fit: images with the captions that people wrote."""

from dataclasses import dataclass

from workbench.tasks.joint import JointTask
from workbench.tasks.retrieval import CaptionedImages


@dataclass(frozen=True, kw_only=True)
class CaptioningTask(JointTask):
    """Describe an image in a sentence.

    Attributes:
        train: Training images with their captions.
        val: Validation images with theirs. May be empty.
    """

    train: CaptionedImages
    val: CaptionedImages
