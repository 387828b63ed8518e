"""Make pictures into the input of an exported model. Needs numpy and Pillow; the settings are in preprocessing.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps


def read_settings(folder: str | Path) -> dict[str, Any]:
    """What preprocessing.json in a folder says."""
    settings: dict[str, Any] = json.loads((Path(folder) / "preprocessing.json").read_text(encoding="utf-8"))
    return settings


def to_pixels(picture: Image.Image, settings: Mapping[str, Any]) -> "np.typing.NDArray[np.float32]":
    """A picture of Pillow's to float32 (3, height, width), normalised."""
    image = ImageOps.exif_transpose(picture).convert("RGB")
    resize, crop = settings["resize"], settings["crop"]
    if resize:
        image = image.resize(_size(image, resize), getattr(Image.Resampling, resize["interpolation"].upper()))
    if crop:
        (width, height), rounded = crop["size"], round if crop["rounds"] else int
        canvas = Image.new("RGB", (width, height), tuple(crop["fill"]))
        canvas.paste(image, (-rounded((image.width - width) / 2), -rounded((image.height - height) / 2)))
        image = canvas
    mean, std = (np.asarray(settings[key], np.float32) for key in ("mean", "std"))
    pixels = (np.asarray(image, np.float32) / 255 - mean) / std
    return np.asarray(pixels.transpose(2, 0, 1), np.float32)


def _size(image: Image.Image, resize: Mapping[str, Any]) -> tuple[int, int]:
    (width, height), edge = resize["size"], resize["edge"]
    if edge == "both":
        return width, height
    if resize["cuts_off"]:
        long = int(height * max(image.size) / min(image.size))
        return (width, long) if image.width <= image.height else (long, height)
    ratios = image.width / width, image.height / height
    ratio = max(ratios) if edge == "longest" else min(ratios)
    return round(image.width / ratio), round(image.height / ratio)
