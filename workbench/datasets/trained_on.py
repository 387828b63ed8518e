"""Where the training images of a joined dataset come from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


@dataclass(frozen=True)
class TrainedOn:
    """Where training and validation images come from, where the test images are of another dataset or domain.

    Attributes:
        name: As tables name it: the source dataset's name, or `other domains`.
        dataset: The source, with those of its classes and images that are trained on.
        classes: Raw label of each class of the source that counts, to that of the dataset whose test images these are;
            empty where recipes are fitted on the source's classes, and score others by their text.
        notes: Sentences for readers of the run.
    """

    name: str
    dataset: "Dataset"
    classes: dict[str, str]
    notes: tuple[str, ...] = ()

    def key_parts(self) -> list[Any]:
        """What of it determines results, for run keys."""
        return [self.name, self.dataset.name, self.dataset.fingerprint, sorted(self.classes.items())]
