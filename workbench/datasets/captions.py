"""Whether there is anything said of images that are to be described, or found by what is said."""

from collections.abc import Sequence

from workbench.arrays import AnyArray
from workbench.datasets._notes import caption_source
from workbench.datasets.dataset import Dataset
from workbench.errors import DataError


def require_captions(dataset: Dataset, rows: Sequence[int] | AnyArray) -> None:
    """Refuse test rows without a single caption.

    Raises:
        DataError: Names the column and the language.
    """
    if not any(dataset.captions(rows)):
        aim = "compare with" if dataset.card.task == "captioning" else "retrieve"
        raise DataError(
            f"dataset {dataset.name!r}: no test image has a {caption_source(dataset)}, so there is nothing to {aim}."
        )
