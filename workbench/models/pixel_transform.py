"""Evaluation transforms on 8-bit pixels: resized and cropped as they are, normalised on the device.

They stand for the transforms of open_clip, timm and transformers, which resize a picture of Pillow's and turn it into
floating point. Pixels differ by 2 levels of 255 at most, since both round to whole levels after each of two passes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.arrays import AnyArray

Interpolation = Literal["bilinear", "bicubic"]
Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Resize:
    """Resizing with antialiasing.

    Attributes:
        size: Height and width that the picture is fitted to.
        interpolation: The filter.
        edge: `shortest` makes the picture at least as large as `size`, `longest` at most, `both` exactly, without
            keeping its proportions.
        cuts_off: Whether the longer edge is cut off to whole pixels, as torchvision does, or rounded.
        as_pillow: Whether Pillow is the reference, or torch.
    """

    size: Size
    interpolation: Interpolation
    edge: Literal["shortest", "longest", "both"]
    cuts_off: bool = True
    as_pillow: bool = True

    def target(self, height: int, width: int) -> Size:
        """Height and width of a picture of this height and width afterwards."""
        if self.edge == "both":
            return self.size
        if self.cuts_off:
            long = int(self.size[0] * max(height, width) / min(height, width))
            return (self.size[0], long) if height <= width else (long, self.size[0])
        ratios = height / self.size[0], width / self.size[1]
        ratio = max(ratios) if self.edge == "longest" else min(ratios)
        return round(height / ratio), round(width / ratio)


@dataclass(frozen=True)
class Crop:
    """A crop of the centre.

    Attributes:
        size: Height and width; smaller pictures are filled up.
        fill: Grey level, or red, green and blue, that they are filled up with, 0..255.
        rounds: Whether half a pixel beside the crop is rounded to the nearest even number, or cut off.
    """

    size: Size
    fill: int | tuple[int, ...] = 0
    rounds: bool = True

    def __call__(self, pixels: Tensor) -> Tensor:
        """(h, w, 3) to `size`."""
        height, width = self.size
        if pixels.shape[0] < height or pixels.shape[1] < width:
            pixels = self._filled_up(pixels)
        above, left = ((have - want) / 2 for have, want in zip(pixels.shape[:2], self.size, strict=True))
        top, start = (round(above), round(left)) if self.rounds else (int(above), int(left))
        return pixels[top : top + height, start : start + width]

    def _filled_up(self, pixels: Tensor) -> Tensor:
        size = [max(have, want) for have, want in zip(pixels.shape[:2], self.size, strict=True)]
        top, left = ((want - have) // 2 for have, want in zip(pixels.shape[:2], size, strict=True))
        filled = torch.tensor(self.fill, dtype=torch.uint8).expand(*size, 3).clone()
        filled[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        return filled


@dataclass(frozen=True)
class PixelTransform:
    """An evaluation transform.

    Attributes:
        resize: The first step, if there is one.
        crop: The second, if there is one.
        mean: Channel means of the normalisation, of values in 0..1.
        std: Channel standard deviations.
    """

    resize: Resize | None
    crop: Crop | None
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: AnyArray) -> Tensor:
        """Pixels of an image as it is, uint8 (h, w, 3), to those of the network's input, uint8 (h, w, 3)."""
        image = torch.from_numpy(pixels)
        if self.resize is not None:
            image = _resized(image, self.resize)
        return image if self.crop is None else self.crop(image)

    def normalise(self, batch: Tensor) -> Tensor:
        """Uint8 (n, 3, h, w) to float32 on the same device, in the same order in memory."""
        scale = torch.tensor([1 / (255 * std) for std in self.std], device=batch.device)
        shift = torch.tensor([-mean / std for mean, std in zip(self.mean, self.std, strict=True)], device=batch.device)
        last = batch.permute(0, 2, 3, 1)
        if not last.is_contiguous():
            return torch.addcmul(shift.view(3, 1, 1), batch.float(), scale.view(3, 1, 1))
        # Line by line, so that what is multiplied lies side by side: three channels at a time are too few for a
        # processor's vectors.
        lines = last.float().flatten(2)
        width = batch.shape[3]
        torch.addcmul(shift.repeat(width).expand_as(lines), lines, scale.repeat(width).expand_as(lines), out=lines)
        return lines.view(last.shape).permute(0, 3, 1, 2)


def _resized(image: Tensor, resize: Resize) -> Tensor:
    height, width = image.shape[:2]
    target = resize.target(height, width)
    if target == (height, width):
        return image
    if resize.as_pillow and height - target[0] > 2 * (width - target[1]):
        return _resized_by_pillow(image, target, resize.interpolation)
    # A view of one image with its channels last, which is what the quickest kernel wants.
    channels_last = image.permute(2, 0, 1)[None]
    resized = F.interpolate(channels_last, size=target, mode=resize.interpolation, antialias=True)
    return resized[0].permute(1, 2, 0)


def _resized_by_pillow(image: Tensor, target: Size, interpolation: Interpolation) -> Tensor:
    """For pictures whose height shrinks most: Pillow 13 passes over some of them vertically first, torch over none.

    Where edges overshoot, the order of the passes shows: each cuts off at 0 and 255.
    """
    from PIL import Image

    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    resized = Image.fromarray(image.numpy()).resize((target[1], target[0]), filters[interpolation])
    return torch.from_numpy(np.array(resized))


def pixel_transform(preprocess: Callable[..., Any]) -> PixelTransform | None:
    """The transform on 8-bit pixels that stands for another one; None where that has steps of another kind.

    Args:
        preprocess: A composition of torchvision's, as open_clip and timm make for evaluation.
    """
    steps = list(getattr(preprocess, "transforms", ()))
    resize, crop, normalisation = None, None, None
    for step in steps:
        name = type(step).__name__
        if type(step).__module__.partition(".")[0] not in {"torchvision", "open_clip", "timm"}:
            return None
        if normalisation is not None:
            return None
        if name in _CONVERSIONS:
            continue
        if name == "Normalize":
            normalisation = tuple(map(float, step.mean)), tuple(map(float, step.std))
        elif name in _CROPS and crop is None:
            crop = Crop(_size(step.size), _fill(getattr(step, "fill", 0)))
        elif name in _RESIZES and resize is None and crop is None:
            resize = _RESIZES[name](step)
            if resize is None:
                return None
        else:
            return None
    if normalisation is None or any(len(values) != 3 for values in normalisation):
        return None
    return PixelTransform(resize, crop, *normalisation)


def _torchvision_resize(step: Any) -> Resize | None:
    size, interpolation = step.size, _interpolation(step.interpolation)
    if interpolation is None or step.max_size is not None or step.antialias is not True:
        return None
    if isinstance(size, int) or len(size) == 1:
        edge = size if isinstance(size, int) else size[0]
        return Resize((edge, edge), interpolation, "shortest")
    return Resize(_size(size), interpolation, "both")


def _resize_keep_ratio(step: Any) -> Resize | None:
    interpolation = _interpolation(step.interpolation)
    random = step.random_scale_prob or step.random_aspect_prob
    if interpolation is None or random or step.longest not in {0.0, 1.0}:
        return None
    return Resize(_size(step.size), interpolation, "longest" if step.longest else "shortest", cuts_off=False)


_CONVERSIONS = ("MaybeConvertMode", "MaybeToTensor", "ToTensor")
_CROPS = ("CenterCrop", "CenterCropOrPad")
_RESIZES = {"Resize": _torchvision_resize, "ResizeKeepRatio": _resize_keep_ratio}


def _interpolation(value: Any) -> Interpolation | None:
    name = getattr(value, "value", value)
    return name if name in {"bilinear", "bicubic"} else None


def _size(size: int | Sequence[int]) -> Size:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1]))


def _fill(fill: Any) -> int | tuple[int, ...]:
    return int(fill) if isinstance(fill, int | float) else tuple(map(int, fill))


def transform_of_processor(processor: Any) -> PixelTransform | None:
    """The same of an image processor of transformers, such as CLIP's or SigLIP's; None where it has other steps."""
    settings = processor.to_dict()
    if settings.get("do_pad") or not settings.get("do_rescale", True) or not settings.get("do_normalize", True):
        return None
    if abs(settings.get("rescale_factor", 1 / 255) * 255 - 1) > 1e-6:
        return None
    resize, crop = None, None
    as_pillow = all("torchvision" not in base.__name__.lower() for base in type(processor).__mro__)
    if settings.get("do_resize"):
        interpolation: Interpolation | None = {2: "bilinear", 3: "bicubic"}.get(int(settings.get("resample", 2)))  # type: ignore[assignment]
        size = {key: value for key, value in dict(settings["size"]).items() if value is not None}
        if interpolation is None:
            return None
        if size.keys() == {"shortest_edge"}:
            resize = Resize((size["shortest_edge"],) * 2, interpolation, "shortest", as_pillow=as_pillow)
        elif size.keys() == {"height", "width"}:
            resize = Resize((size["height"], size["width"]), interpolation, "both", as_pillow=as_pillow)
        else:
            return None
    if settings.get("do_center_crop"):
        crop = Crop((settings["crop_size"]["height"], settings["crop_size"]["width"]), rounds=False)
    return PixelTransform(resize, crop, tuple(settings["image_mean"]), tuple(settings["image_std"]))
