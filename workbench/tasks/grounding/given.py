"""The data that a recipe gets for grounding."""

from dataclasses import dataclass

from workbench.tasks.choices.candidates import Choices
from workbench.tasks.image_text.given import ImageTextTask


@dataclass(frozen=True, kw_only=True)
class GroundingTask(ImageTextTask):
    """Pick the box that an instruction means.

    Attributes:
        train: Training items.
        val: Validation items. May be empty.
    """

    train: Choices
    val: Choices
