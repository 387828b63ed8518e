"""Refuse datasets without captions, for tasks that need them."""

from collections.abc import Sequence

from workbench.arrays import AnyArray
from workbench.datasets._notes import caption_source
from workbench.datasets.card import ItemFaults
from workbench.datasets.dataset import Dataset
from workbench.errors import DataError


def require_captions(dataset: Dataset, rows: Sequence[int] | AnyArray, aim: str) -> None:
    """Refuse test rows without a single caption.

    Args:
        dataset: The dataset.
        rows: Test rows.
        aim: The purpose of captions, in words: `retrieve`.

    Raises:
        DataError: Names the column and the language.
    """
    if not any(dataset.captions(rows)):
        raise DataError(
            f"dataset {dataset.name!r}: no test image has a {caption_source(dataset)}, so there is nothing to {aim}."
        )


def caption_faults(dataset: Dataset, aim: str) -> ItemFaults:
    """The fault that `require_captions` finds, where there is a test split."""
    faults = ItemFaults()
    test = dataset.rows("test")
    if len(test):
        with faults.noted(dataset.name):
            require_captions(dataset, test, aim)
    return faults
