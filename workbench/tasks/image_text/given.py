"""The fields that all tasks on images and texts give to a recipe besides its data."""

from dataclasses import dataclass

from workbench.models.task_model import TaskModel


@dataclass(frozen=True, kw_only=True)
class ImageTextTask:
    """Base of the data that recipes get for tasks on images and texts. There is no test split in it, nor a way to one.

    Attributes:
        dataset: The dataset's name.
        model: The pretrained model.
        shots: Number of training images (a class where the card has labels, else in all); None means all of them, 0
            that the recipe does not train.
        seed: Seeds the recipe's draws.
        device: Resolved torch device string, `cpu` or `cuda:0`.
        refit: The suite asks for a final fit on train and validation together.
    """

    dataset: str
    model: TaskModel
    shots: int | None
    seed: int
    device: str
    refit: bool = False
