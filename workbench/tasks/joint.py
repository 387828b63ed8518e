"""What every task in the joint space of images and texts tells a recipe besides its data."""

from dataclasses import dataclass

from workbench.tasks.model import TaskModel


@dataclass(frozen=True, kw_only=True)
class JointTask:
    """Base of `RetrievalTask`, `MatchingTask` and `GroundingTask`. There is no test split in them, nor a way to one.

    Attributes:
        dataset: The dataset's name.
        model: The pretrained model.
        shots: Training images asked for (a class where the card has labels, else in all); None means all of them, 0
            that the recipe does not train.
        seed: Seeds whatever the recipe draws.
        device: Resolved torch device string, `cpu` or `cuda:0`.
        refit: The suite asks for a final fit on train and validation together.
    """

    dataset: str
    model: TaskModel
    shots: int | None
    seed: int
    device: str
    refit: bool = False
