"""Arrays of features that may be larger than memory."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.features._files import CacheError
from workbench.memory import memory_limit

SHARE = 1 / 8
"""Arrays that take more of the memory than this lie in a file."""


def empty_rows(shape: tuple[int, int], dtype: type[Any], folder: Path) -> AnyArray:
    """An array to be filled: in memory, or in a file without a name that goes with it, which the system may page out.

    Args:
        shape: Rows and columns.
        dtype: Of its values.
        folder: Where such a file is made, if it can be: on the disk of what is gathered.

    Raises:
        CacheError: There is no space for the file.
    """
    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
    if size <= SHARE * memory_limit():
        return np.empty(shape, dtype=dtype)
    place = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            # Else a full disk would end the process (SIGBUS) as rows are written.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=shape))
    except OSError as error:
        raise CacheError(
            f"{place}: {size / 1e9:.1f} GB of features exceed an eighth of the memory, and the file that they "
            f"are gathered in cannot be made there ({error.strerror or error}). Free some, or set WORKBENCH_CACHE "
            "to a folder on another disk."
        ) from error
