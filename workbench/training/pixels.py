"""Images as batches of pixels; training images are decoded once and kept."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as VF

from workbench.arrays import AnyArray
from workbench.models.loaded import LoadedModel
from workbench.tasks import ImageSet

_MARGIN = 1.15
_MAX_ASPECT = 1.5
_THREADS = 4


@dataclass
class TrainingPixels:
    """Decoded training images, and augmented batches of them.

    Attributes:
        size: (height, width) of the network's input.
        mean: Channel means.
        std: Channel standard deviations.
        flip: Whether images may be mirrored.
        min_area: Least share of the image that a random crop keeps; 1 turns cropping off.
        kept: uint8 (3, h, w) images by index; None where they did not fit.
    """

    images: ImageSet
    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    flip: bool
    min_area: float
    kept: list[Tensor | None]

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, AnyArray]]:
        """One epoch in random order: float32 (b, 3, h, w) and the images' indices."""
        order = rng.permutation(len(self.images))
        seeds = rng.integers(0, 2**63 - 1, size=len(order))
        with ThreadPoolExecutor(_THREADS) as pool:
            starts = list(range(0, len(order), batch_size))
            ahead = [
                pool.map(self._augmented, order[s : s + batch_size], seeds[s : s + batch_size]) for s in starts[:1]
            ]
            for position, start in enumerate(starts):
                if position + 1 < len(starts):
                    after = starts[position + 1]
                    chosen = slice(after, after + batch_size)
                    ahead.append(pool.map(self._augmented, order[chosen], seeds[chosen]))
                pixels = torch.stack(list(ahead.pop(0)))
                yield pixels, order[start : start + batch_size]

    def _augmented(self, index: int, seed: int) -> Tensor:
        image = self.kept[index]
        if image is None:
            image = _decoded(self.images, int(index), self.size)
        rng = np.random.default_rng(seed)
        height, width = image.shape[1:]
        if self.min_area < 1:
            area = rng.uniform(self.min_area, 1.0) * min(height, width) ** 2
            ratio = float(np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))))
            h, w = min(height, round((area / ratio) ** 0.5)), min(width, round((area * ratio) ** 0.5))
        else:
            h = w = min(height, width)
        top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
        out = VF.resized_crop(
            image, top, left, h, w, list(self.size), interpolation=v2.InterpolationMode.BILINEAR, antialias=True
        )
        if self.flip and rng.random() < 0.5:
            out = out.flip(-1)
        ready: Tensor = VF.normalize(out.float() / 255, list(self.mean), list(self.std))
        return ready


def training_pixels(
    images: ImageSet, loaded: LoadedModel, *, flip: bool, min_area: float, max_bytes: int = 2 * 2**30
) -> TrainingPixels:
    """Decode the training images, at a little more than the network's resolution.

    Args:
        images: n images.
        loaded: Gives input size and normalisation.
        flip: Whether images may be mirrored; turn it off where left and right matter.
        min_area: Least share of the image that a random crop keeps.
        max_bytes: Images beyond this are decoded anew each epoch.
    """
    each = 3 * round(loaded.image_size[0] * _MARGIN) * round(loaded.image_size[1] * _MARGIN * _MAX_ASPECT)
    fits = min(len(images), max_bytes // each)
    with ThreadPoolExecutor(_THREADS) as pool:
        kept: list[Tensor | None] = list(pool.map(lambda i: _decoded(images, i, loaded.image_size), range(fits)))
    kept += [None] * (len(images) - fits)
    return TrainingPixels(images, loaded.image_size, loaded.mean, loaded.std, flip, min_area, kept)


def evaluation_batches(images: ImageSet, loaded: LoadedModel, batch_size: int = 64) -> Iterator[Tensor]:
    """Batches in order through the model's own preprocessing, float32 (b, 3, h, w)."""
    with ThreadPoolExecutor(_THREADS) as pool:
        ahead = []
        for start in range(0, len(images), batch_size):
            rows = range(start, min(start + batch_size, len(images)))
            ahead.append(pool.map(lambda i: loaded.preprocess(images.decode(i)), rows))
            if len(ahead) > 1:
                yield torch.stack(list(ahead.pop(0)))
        for batch in ahead:
            yield torch.stack(list(batch))


def _decoded(images: ImageSet, index: int, size: tuple[int, int]) -> Tensor:
    """An image whose shorter side is a little larger than the input; very long ones lose their ends."""
    image = VF.pil_to_tensor(images.decode(index))
    shorter = round(min(size) * _MARGIN)
    height, width = image.shape[1:]
    scale = shorter / min(height, width)
    new = [max(1, round(height * scale)), max(1, round(width * scale))]
    image = VF.resize(image, new, interpolation=v2.InterpolationMode.BICUBIC, antialias=True)
    limit = round(shorter * _MAX_ASPECT)
    kept: Tensor = VF.center_crop(image, [min(new[0], limit), min(new[1], limit)])
    return kept
