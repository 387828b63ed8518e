"""What a recipe is given for counting."""

from dataclasses import dataclass

from workbench.plugin import FloatArray, ImageSet, TaskModel


@dataclass(frozen=True)
class CountedImages:
    """Images with their counts, float64 (n,)."""

    images: ImageSet
    counts: FloatArray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class CountTask:
    """Everything a recipe may know; there is no test split in it.

    Attributes:
        train: Training images, already reduced to `shots` in all.
        val: Validation images. May be empty.
        model: The pretrained model.
        shots: Training images asked for; None means all.
        seed: Seeds whatever the recipe draws.
        device: Torch device string.
        refit: Whether to fit on train and validation together in the end.
    """

    train: CountedImages
    val: CountedImages
    model: TaskModel
    shots: int | None
    seed: int
    device: str
    refit: bool = False
