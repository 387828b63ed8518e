"""The array types that cross module borders, and the one place where features are normalised."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
"""float32 unless a docstring says otherwise."""
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]


def normalise(features: FloatArray) -> FloatArray:
    """Scale each row to unit L2 norm; a zero row stays zero.

    Args:
        features: shape (..., d), any float dtype.

    Returns:
        float32 of the same shape.
    """
    x = np.asarray(features, dtype=np.float32)
    norm = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.asarray(x / np.maximum(norm, np.finfo(np.float32).tiny), dtype=np.float32)
