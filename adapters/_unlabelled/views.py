"""Random views of one picture, the same whenever and wherever it is seen."""

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.plugin import Augmentation, Compute, LoadedModel

if TYPE_CHECKING:
    from PIL.Image import Image

WHOLE = Augmentation(min_crop=0.08, flip=True, aspect=4 / 3)
"""Crops of 8 % of the area on, as torchvision's `RandomResizedCrop` and published test-time augmentation take them."""
_ENLARGED = 1.5


class Views:
    """Makes views for a network's input.

    What is drawn depends on the seed and on the picture's pixels alone, so that an answer depends on no other image.

    Args:
        loaded: Gives preprocessing, size, mean and standard deviation.
        compute: Device of the views.
        count: Views of a picture, at least 1.
        seed: Seeds what is drawn.
        augmentation: What crops are like.
    """

    def __init__(
        self, loaded: LoadedModel, compute: Compute, count: int, seed: int, augmentation: Augmentation = WHOLE
    ) -> None:
        self._loaded, self._compute, self._count, self._seed = loaded, compute, count, seed
        self._augmentation = augmentation
        self._mean, self._std = (torch.tensor(own).view(3, 1, 1) for own in (loaded.mean, loaded.std))

    def __call__(self, picture: "Image") -> Tensor:
        """(count, 3, h, w) on the device: the evaluation view, then random crops, half of them mirrored."""
        from torchvision.transforms import v2

        key = blake2b(picture.tobytes(), digest_size=8).digest()
        rng = np.random.default_rng([self._seed, int.from_bytes(key)])
        height, width = self._loaded.image_size
        pixels = torch.from_numpy(np.array(self._shrunk(picture))).permute(2, 0, 1)
        views = [self._loaded.preprocess(picture)]
        for _ in range(self._count - 1):
            box = self._augmentation.box(rng, pixels.shape[1], pixels.shape[2], width / height)
            view = v2.functional.resized_crop(
                pixels, *box, size=[height, width], interpolation=v2.InterpolationMode.BICUBIC, antialias=True
            )
            view = view.flip(-1) if self._augmentation.flip and rng.random() < 0.5 else view
            views.append((view.float() / 255 - self._mean) / self._std)
        return self._compute.images(torch.stack(views))

    def _shrunk(self, picture: "Image") -> "Image":
        """Just large enough that the smallest crops are hardly enlarged."""
        height, width = self._loaded.image_size
        factor = _ENLARGED * max(height / picture.height, width / picture.width)
        if factor >= 1:
            return picture
        return picture.resize((max(1, round(picture.width * factor)), max(1, round(picture.height * factor))))


def features_of(views: Tensor, loaded: LoadedModel, compute: Compute) -> Tensor:
    """Projected features of unit norm, fp32 (n, d), without gradient."""
    loaded.network.eval()
    with torch.inference_mode(), compute.autocast():
        projected = loaded.image_features(views)[1].float()
    return torch.nn.functional.normalize(projected, dim=1)


def surest(logits: Tensor, share: float) -> Tensor:
    """Rows by entropy, the least first, int64 (k,): that share of them, and at least one."""
    entropy = -(logits.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1)
    return entropy.argsort(stable=True)[: max(1, int(len(logits) * share))]
