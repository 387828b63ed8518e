"""Input that cannot be scored is refused in one sentence."""

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import DataError


def check_finite(scores: AnyArray, what: str) -> AnyArray:
    """Scores as a floating-point array without NaN or infinity.

    Raises:
        DataError: Names how many rows are affected, and the first.
    """
    array = np.asarray(scores)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    elif array.dtype.itemsize < 4:
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
        kind = "NaN" if np.isnan(array).any() else "infinite values"
        raise DataError(
            f"{what}: {kind} in {len(bad)} of {len(array)} rows, the first is row {bad[0]}; "
            "metrics need finite numbers, so check the features and the training that produced them."
        )
    return array


def check_labels(labels: AnyArray, n: int, n_classes: int) -> AnyArray:
    """Labels as int64 (n,) in 0..n_classes - 1; raises `DataError`."""
    array = np.asarray(labels)
    if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"labels: expected {n} integer class indices, got {array.dtype} of shape {array.shape}.")
    wrong = np.flatnonzero((array < 0) | (array >= n_classes))
    if len(wrong):
        raise DataError(
            f"labels: item {wrong[0]} has class index {array[wrong[0]]}, but the scores have columns for "
            f"0 to {n_classes - 1} only."
        )
    return array.astype(np.int64)


def check_targets(targets: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Targets as bool of `shape`; raises `DataError`."""
    array = np.asarray(targets)
    if array.shape != shape or not np.isin(array, (0, 1)).all():
        raise DataError(f"labels: expected true or false of shape {shape}, got {array.dtype} of shape {array.shape}.")
    return array.astype(np.bool_)


def check_masked_targets(targets: AnyArray, shape: tuple[int, ...]) -> tuple[AnyArray, AnyArray | None]:
    """Targets (n, c) of which some are NaN, as bool with False there, and which are known; None where all are.

    Raises:
        DataError: They are no targets, or none of an item is known.
    """
    array = np.asarray(targets)
    if array.shape != shape or not np.issubdtype(array.dtype, np.floating) or not np.isnan(array).any():
        return check_targets(array, shape), None
    known = ~np.isnan(array)
    bare = np.flatnonzero(~known.any(axis=1))
    if len(bare):
        raise DataError(f"labels: of {len(bare)} items no label is known, the first is item {bare[0]}; leave them out.")
    return check_targets(np.where(known, array, 0), shape), known
