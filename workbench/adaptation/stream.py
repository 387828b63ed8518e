"""Batches of images and texts, read ahead in threads and not kept: what a step sees depends on its number alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from workbench.adaptation.order import ShuffledOrder
from workbench.adaptation.pairs import TrainingPairs
from workbench.arrays import BoolArray
from workbench.errors import DataError
from workbench.formatting import format_share
from workbench.images import Features, ImageSet
from workbench.models import LoadedModel
from workbench.training import Augmentation, Compute, PixelSource
from workbench.training.read_ahead import read_ahead

_FEWEST = 1000
"""Images after which a share of unreadable ones is judged; before, it is as if there were so many."""


@dataclass(frozen=True)
class PairBatch:
    """The images and texts of a step.

    Attributes:
        images: Pixels of each image as `PixelSource.inputs` takes them, on the CPU.
        texts: Different texts, one drawn for each image; images may share one.
        belongs: bool (images, texts): every text that is true of an image, not only the one that was drawn for it.
    """

    images: Sequence[Tensor]
    texts: Sequence[str]
    belongs: BoolArray


@dataclass(frozen=True)
class _Draw:
    source: int
    index: int
    epoch: int


class PairStream:
    """Pairs of several datasets; each has the same number of images in every batch.

    Several images may share a text, and an image may have several in a batch: class names as captions make that the
    rule. All of them are positives, as in UniCL (Yang et al., "Unified Contrastive Learning in Image-Text-Label Space",
    CVPR 2022).

    Images that cannot be decoded are left out of their batch, which is then smaller.

    Args:
        sources: The datasets.
        counts: Images of each in a batch.
        loaded: Gives the input's size and normalisation.
        compute: Device of the inputs.
        augmentation: What happens to images.
        seed: Seeds order, texts and augmentation.
        ahead: Images that are decoded together.
        max_unreadable: Share of the images read that may be unreadable.
    """

    def __init__(
        self,
        sources: Sequence[TrainingPairs],
        counts: Sequence[int],
        loaded: LoadedModel,
        compute: Compute,
        augmentation: Augmentation,
        seed: int,
        *,
        ahead: int = 256,
        max_unreadable: float = 0.01,
    ) -> None:
        self._sources, self._counts, self._seed, self._ahead = sources, counts, seed, ahead
        self._augmentation, self._max_unreadable = augmentation, max_unreadable
        self._orders = [ShuffledOrder(len(pairs), pairs.window, (seed, 0, d)) for d, pairs in enumerate(sources)]
        self._pixels = [PixelSource(_images(pairs), loaded, compute) for pairs in sources]
        self.inputs = self._pixels[0].inputs
        self.device = compute.device
        self._read = 0
        self.unreadable: dict[str, str] = {}

    def batches(self, start: int, stop: int) -> Iterator[PairBatch]:
        """The batches of steps `start`..`stop - 1`, the same however often and from wherever they are read.

        Raises:
            DataError: Too many images are unreadable, or all of a batch; names one.
        """
        reading = read_ahead(self._prepared, (chunk for step in range(start, stop) for chunk in self._chunks(step)))
        chunks_of_step = math.ceil(sum(self._counts) / self._ahead)
        try:
            for step in range(start, stop):
                yield self._batch(step, [item for _ in range(chunks_of_step) for item in next(reading)])
        finally:
            reading.close()

    def _chunks(self, step: int) -> list[list[_Draw]]:
        draws = []
        for d, (order, count) in enumerate(zip(self._orders, self._counts, strict=True)):
            images, epochs = order.at(step * count, count)
            draws += [_Draw(d, int(i), int(epoch)) for i, epoch in zip(images, epochs, strict=True)]
        return [draws[start : start + self._ahead] for start in range(0, len(draws), self._ahead)]

    def _prepared(self, draw: _Draw) -> tuple[_Draw, Tensor | str]:
        """An image's pixels, or why there are none."""
        rng = np.random.default_rng([self._seed, 1, draw.source, draw.epoch, draw.index])
        try:
            return draw, self._pixels[draw.source].augmented(draw.index, self._augmentation, rng)
        except DataError as error:
            return draw, str(error)

    def _batch(self, step: int, items: Sequence[tuple[_Draw, Tensor | str]]) -> PairBatch:
        self._read += len(items)
        read: list[tuple[_Draw, Tensor]] = []
        for draw, pixels in items:
            if isinstance(pixels, str):
                self._note_unreadable(draw, pixels)
            else:
                read.append((draw, pixels))
        if not read:
            name, reason = next(reversed(self.unreadable.items()))
            raise DataError(f"step {step + 1}: none of its {len(items)} images can be read, such as {name} ({reason}).")
        true = [self._sources[draw.source].texts(draw.index) for draw, _ in read]
        texts = {self._drawn(draw, own): None for (draw, _), own in zip(read, true, strict=True)}
        column = {text: i for i, text in enumerate(texts)}
        belongs = np.zeros((len(read), len(texts)), np.bool_)
        for i, own in enumerate(true):
            belongs[i, [column[text] for text in own if text in column]] = True
        return PairBatch([item for _, item in read], list(texts), belongs)

    def _drawn(self, draw: _Draw, texts: Sequence[str]) -> str:
        if len(texts) == 1:
            return texts[0]
        rng = np.random.default_rng([self._seed, 2, draw.source, draw.epoch, draw.index])
        return texts[int(rng.integers(len(texts)))]

    def _note_unreadable(self, draw: _Draw, reason: str) -> None:
        pairs = self._sources[draw.source]
        name = f"{pairs.dataset.name}: {pairs.dataset.ids(pairs.rows[[draw.index]])[0]}"
        self.unreadable[name] = reason
        if len(self.unreadable) > self._max_unreadable * max(self._read, _FEWEST):
            raise DataError(
                f"{len(self.unreadable)} of {self._read} training images read so far cannot be read, more than the "
                f"{format_share(self._max_unreadable)} that --max-unreadable allows, such as {name} ({reason})."
            )


def _images(pairs: TrainingPairs) -> ImageSet:
    """The images to decode; nothing of them is copied or kept, however many there are."""

    def none() -> Features:
        raise DataError("training images have no features here: they are read as pixels.")

    return ImageSet(len(pairs), none, lambda i: pairs.dataset.decode(int(pairs.rows[i])))
