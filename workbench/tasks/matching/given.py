"""The data that a recipe gets for matching."""

from dataclasses import dataclass

from workbench.tasks.choices.candidates import Choices
from workbench.tasks.image_text.given import ImageTextTask
from workbench.tasks.matching.card import Form


@dataclass(frozen=True, kw_only=True)
class MatchingTask(ImageTextTask):
    """Find the right text of an image among wrong ones, or decide whether statements are true.

    Attributes:
        form: The form of the items, see `Candidates`.
        train: Training items.
        val: Validation items. Statements have them for recipes that do not train, too, to place the threshold.
    """

    form: Form
    train: Choices
    val: Choices
