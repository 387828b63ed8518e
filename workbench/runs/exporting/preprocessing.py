"""`preprocessing.json`: what turns a picture into the input of an exported network, and which classes come out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.models import LoadedModel
from workbench.models.pixel_transform import PixelTransform
from workbench.runs.exporting.copying import copy_program

SETTINGS = "preprocessing.json"


def write_preprocessing(loaded: LoadedModel, class_names: Sequence[str], multi_label: bool, folder: Path) -> None:
    """Write `preprocessing.json`, and `preprocess.py`, which does what it says.

    Where the transform of the model is none of resizing, cropping and normalising, its steps are written in words.
    """
    settings = {**describe(loaded), "class_names": list(class_names), "multi_label": multi_label}
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1, ensure_ascii=False), encoding="utf-8")
    if loaded.pixel_transform is not None:
        copy_program("preprocess.py", folder / "preprocess.py")


def describe(loaded: LoadedModel) -> dict[str, Any]:
    """The steps in their order; sizes are (width, height) in pixels, mean and std of values in 0..1."""
    height, width = loaded.image_size
    about = {
        "input": "pixel_values: float32 (n, 3, height, width), RGB, upright by EXIF orientation",
        "size": [width, height],
        "mean": list(loaded.mean),
        "std": list(loaded.std),
    }
    transform = loaded.pixel_transform
    return {**about, "transform": repr(loaded.preprocess)} if transform is None else {**about, **_steps(transform)}


def _steps(transform: PixelTransform) -> dict[str, Any]:
    resize, crop = transform.resize, transform.crop
    return {
        "mean": list(transform.mean),
        "std": list(transform.std),
        "resize": None
        if resize is None
        else {
            "edge": resize.edge,
            "size": [resize.size[1], resize.size[0]],
            "interpolation": resize.interpolation,
            "cuts_off": resize.cuts_off,
        },
        "crop": None
        if crop is None
        else {
            "size": [crop.size[1], crop.size[0]],
            "fill": list(crop.fill) if isinstance(crop.fill, tuple) else [crop.fill] * 3,
            "rounds": crop.rounds,
        },
    }
