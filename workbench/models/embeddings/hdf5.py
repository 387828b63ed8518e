"""Columns of embeddings in HDF5 files: with `id`, or one file a slide as TRIDENT writes them.

TRIDENT (github.com/mahmoodlab/TRIDENT) names a file after its slide. `features` are the slide's, (d,), or those of its
patches, (patches, d) with `coords`; patches are averaged here, which is what multiple-instance learning calls mean
pooling.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import ModelError
from workbench.models.embeddings.columns import Columns, from_arrays

SUFFIXES = (".h5", ".hdf5")


def read(files: Sequence[Path]) -> Columns:
    """One file with `id`, or files of one slide each.

    Raises:
        ModelError: h5py is not installed, or a slide's file has no `features`.
    """
    try:
        import h5py
    except ImportError as error:
        raise ModelError(
            f"features:{files[0]}: HDF5 needs the package h5py; install the extra `hdf5` (pip install h5py)."
        ) from error
    if len(files) == 1:
        with h5py.File(files[0]) as file:
            if "id" in file:
                return from_arrays({name: _values(file[name]) for name in file if isinstance(file[name], h5py.Dataset)})
    slides, averaged = [], False
    for path in files:
        with h5py.File(path) as file:
            if "features" not in file:
                raise ModelError(
                    f"features:{path}: has no dataset 'features', as TRIDENT's files have; there are "
                    f"{', '.join(file) or 'none'}."
                )
            values = np.asarray(file["features"][()], dtype=np.float32)
            # A slide encoder's has one axis, or a first one of a single slide.
            averaged |= values.ndim > 1 and values.shape[0] > 1
            slides.append(values.reshape(-1, values.shape[-1]).mean(axis=0))
    widths = {len(slide) for slide in slides}
    if len(widths) > 1:
        raise ModelError(
            f"features:{files[0].parent}: its files hold embeddings of different widths "
            f"({', '.join(map(str, sorted(widths)))}); give each model a folder of its own."
        )
    return Columns(
        [path.stem for path in files], None, np.stack(slides), None, [], None, by_stem=True, averaged=averaged
    )


def _values(dataset: Any) -> AnyArray:
    return np.asarray(dataset[()])
