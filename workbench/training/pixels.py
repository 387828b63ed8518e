"""Images as network inputs: decoded once as far as memory allows, augmented reproducibly, prepared ahead by threads."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.arrays import AnyArray
from workbench.images import ImageSet
from workbench.models import LoadedModel
from workbench.training.abridging import abridgement
from workbench.training.precision import Compute
from workbench.training.read_ahead import read_ahead

if TYPE_CHECKING:
    from PIL.Image import Image

_MAX_ENLARGED = 1.5


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training image.

    Attributes:
        min_crop: Least share (0..1] of the area that a crop keeps; 1 shows the evaluation view.
        flip: Whether half of the images are mirrored.
        aspect: Largest ratio by which a crop's sides may differ from the input's.
    """

    min_crop: float = 0.5
    flip: bool = True
    aspect: float = 4 / 3

    def box(self, rng: np.random.Generator, height: int, width: int, ratio: float = 1.0) -> tuple[int, int, int, int]:
        """Draw a crop: its area uniform in [min_crop, 1], its logarithmic aspect uniform.

        Szegedy et al., "Going Deeper with Convolutions" (CVPR 2015), section 6. Ten tries; a picture so long that none
        fits is cropped at its centre.

        Args:
            rng: Draws the crop.
            height: Height of the picture in pixels.
            width: Width of the picture in pixels.
            ratio: Width / height of the network's input.

        Returns:
            Top, left, height, width.
        """
        for _ in range(10):
            area = height * width * rng.uniform(self.min_crop, 1.0)
            aspect = ratio * math.exp(rng.uniform(-1, 1) * math.log(self.aspect))
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                return int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w
        h, w = (
            (height, max(1, round(height * ratio))) if width > height * ratio else (max(1, round(width / ratio)), width)
        )
        return (height - h) // 2, (width - w) // 2, h, w


class MemoryBudget:
    """Bytes that several caches may use together.

    Args:
        size: In bytes.
    """

    def __init__(self, size: float) -> None:
        self._left = size
        self._lock = Lock()
        self._extent = abridgement()

    def take(self, size: int) -> bool:
        """Whether there was room, which is now taken."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            self._extent.note_kept(size)
            return True


class PixelSource:
    """Inputs of a network for the images of a set.

    Args:
        images: The set.
        loaded: Gives preprocessing, size, mean and standard deviation.
        compute: Device and precision of the inputs.
        budget: Memory for decoded images; None keeps none.
    """

    def __init__(
        self, images: ImageSet, loaded: LoadedModel, compute: Compute, budget: MemoryBudget | None = None
    ) -> None:
        self._images = images
        self._preprocess = loaded.preprocess
        self._size = loaded.image_size
        self._mean = torch.tensor(loaded.mean).view(3, 1, 1)
        self._std = torch.tensor(loaded.std).view(3, 1, 1)
        self._compute = compute
        self._budget = budget
        self._views: dict[int, Tensor] = {}
        self._pictures: dict[int, Tensor] = {}

    def evaluation(self, batch_size: int) -> Iterator[Tensor]:
        """All images in order, as the model's own preprocessing makes them, in batches on the device."""
        rows = np.arange(len(self._images))
        batches = [rows[start : start + batch_size].tolist() for start in range(0, len(rows), batch_size)]
        for items in read_ahead(self._view, batches):
            yield self.inputs(items)

    def training(
        self, batches: Sequence[AnyArray], augmentation: Augmentation, seed: int, epoch: int
    ) -> Iterator[tuple[AnyArray, Tensor]]:
        """Augmented images of given batches of rows.

        What happens to an image depends on seed, epoch and row alone, not on its batch or on threads.

        Yields:
            The batch's rows, and (n, 3, h, w) on the device.
        """

        def augmented(row: int) -> Tensor:
            return self.augmented(row, augmentation, np.random.default_rng([seed, epoch, row]))

        for rows, items in zip(batches, read_ahead(augmented, [rows.tolist() for rows in batches]), strict=True):
            yield rows, self.inputs(items)

    def augmented(self, row: int, augmentation: Augmentation, rng: np.random.Generator) -> Tensor:
        """One image as `inputs` takes it, changed at random; may be called from several threads."""
        from torchvision.transforms import v2

        if augmentation.min_crop < 1:
            picture = self._picture(row, augmentation.min_crop)
            box = augmentation.box(rng, picture.shape[1], picture.shape[2], self._size[1] / self._size[0])
            view = v2.functional.resized_crop(
                picture, *box, size=list(self._size), interpolation=v2.InterpolationMode.BICUBIC, antialias=True
            )
        else:
            view = self._view(row)
        flipped: Tensor = view.flip(-1) if augmentation.flip and rng.random() < 0.5 else view
        return flipped

    def _view(self, row: int) -> Tensor:
        """The evaluation view; uint8 where that loses nothing, else float."""
        view = self._views.get(row)
        if view is None:
            view = self._as_bytes(self._preprocess(self._images.decode(row)))
            self._keep(self._views, row, view)
        return view

    def _picture(self, row: int, min_crop: float) -> Tensor:
        """The whole picture, uint8, just large enough that crops need not be enlarged."""
        picture = self._pictures.get(row)
        if picture is None:
            enlarged = min(_MAX_ENLARGED, min_crop**-0.5)
            shrunk = _shrunk(self._images.decode(row), self._size, enlarged)
            # With its channels last, as it was decoded: the quickest kernel of resizing wants that.
            picture = torch.from_numpy(np.array(shrunk)).permute(2, 0, 1)
            self._keep(self._pictures, row, picture)
        return picture

    def _keep(self, cache: dict[int, Tensor], row: int, pixels: Tensor) -> None:
        if self._budget is not None and self._budget.take(pixels.nbytes):
            cache[row] = pixels

    def _as_bytes(self, pixels: Tensor) -> Tensor:
        levels = (pixels * self._std + self._mean) * 255
        rounded = levels.round()
        lossless = bool((levels - rounded).abs().max() < 1e-2) and rounded.min() >= 0 and rounded.max() <= 255
        return rounded.to(torch.uint8) if lossless else pixels

    def inputs(self, items: Sequence[Tensor]) -> Tensor:
        """Images of `augmented` as the network's input, (n, 3, h, w) on the device."""
        if not items:
            return torch.empty(0, 3, *self._size, device=self._compute.device)
        if len({item.dtype for item in items}) > 1:  # A transform whose views are only sometimes whole levels.
            items = [self._normalised(item, "cpu") for item in items]
        pixels = torch.stack(list(items))
        if self._compute.on_gpu:
            pixels = pixels.pin_memory()
        return self._normalised(self._compute.images(pixels), self._compute.device)

    def _normalised(self, pixels: Tensor, device: str) -> Tensor:
        if pixels.dtype != torch.uint8:
            return pixels
        return (pixels.float() / 255 - self._mean.to(device)) / self._std.to(device)


def _shrunk(image: "Image", size: tuple[int, int], enlarged: float) -> "Image":
    from PIL.Image import Resampling

    factor = enlarged * max(size[0] / image.height, size[1] / image.width)
    if factor >= 1:
        return image
    shape = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(shape, Resampling.BICUBIC, reducing_gap=3.0)
