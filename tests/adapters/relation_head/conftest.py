"""Scenes of planted things at random places, and a model that knows words and no order."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL.Image import Image

from workbench.plugin import (
    AnyArray,
    Choices,
    Features,
    FloatArray,
    GroundingTask,
    ImageSet,
    MatchingTask,
    TaskModel,
    Tiles,
)
from workbench.testing import PlantedModel

WORDS = ("apple", "bottle", "cup", "dish", "egg", "fork", "left", "right", "of", "the", "take", "and")
D = 24
PROTOTYPES = np.random.default_rng(7).normal(size=(len(WORDS), D)).astype(np.float32)


class BagOfWords(PlantedModel):
    """A text's feature is the sum of its words': `a left of b` and `b left of a` are the same to it."""

    def __init__(self) -> None:
        super().__init__(WORDS, PROTOTYPES)
        self.logit_scale = 10.0

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `TaskModel.encode_texts`."""
        return np.stack(
            [
                np.sum([PROTOTYPES[WORDS.index(word)] for word in sorted(text.split())], axis=0, dtype=np.float32)
                for text in texts
            ]
        )


def no_pixels(index: int) -> Image:
    """There are none."""
    raise AssertionError(f"planted image {index} has no pixels")


def things(rng: np.random.Generator, count: int) -> tuple[AnyArray, FloatArray]:
    """Kinds of different things (count,), and their features (count, D)."""
    kinds = rng.permutation(6)[:count]
    x = PROTOTYPES[kinds] + 0.2 * rng.normal(size=(count, D))
    return kinds, np.asarray(x, dtype=np.float32)


def in_a_row(count: int) -> FloatArray:
    """Places from left to right."""
    edges = np.linspace(0, 1, count + 1, dtype=np.float32)
    return np.stack([edges[:-1], np.full(count, 0.4), edges[1:], np.full(count, 0.6)], axis=1).astype(np.float32)


def matching_data(n: int, seed: int) -> Choices:
    """Pictures of three things in a row, each with `A left of B` against `B left of A`."""
    rng = np.random.default_rng(seed)
    texts: dict[str, int] = {}
    tiles, pairs = [], []
    for image in range(n):
        kinds, x = things(rng, 3)
        tiles.append(x)
        i, j = sorted(rng.permutation(3)[:2])
        for a, b in ((i, j), (j, i)):
            text = f"the {WORDS[kinds[a]]} left of the {WORDS[kinds[b]]}"
            pairs.append((image, texts.setdefault(text, len(texts))))
    parts = np.stack(tiles)

    def cut(rows: AnyArray, tiles_per_edge: int) -> Tiles:
        assert tiles_per_edge == 2
        own = parts[rows].reshape(-1, D)
        places = np.tile(in_a_row(3), (len(rows), 1))
        windows = ImageSet(len(own), lambda: Features(own, own.copy()), no_pixels, places=lambda: places)
        return Tiles(windows, np.repeat(np.arange(len(rows)), 3))

    whole = parts.mean(axis=1)
    images = ImageSet(n, lambda: Features(whole, whole.copy()), no_pixels, cut=cut)
    right = np.tile([True, False], n)
    return Choices(
        images, tuple(texts), np.array(pairs), np.repeat(np.arange(n), 2), right, ("relation",) * n
    )  # fmt: skip


def grounding_data(n: int, seed: int) -> Choices:
    """Pictures of two cups and a thing between them or on one side: `take the cup left of the THING`."""
    rng = np.random.default_rng(seed)
    texts: dict[str, int] = {}
    rows, places, pairs, item, right = [], [], [], [], []
    cup = WORDS.index("cup")
    for number in range(n):
        other = rng.choice([kind for kind in range(6) if kind != cup])
        order = np.array([cup, other, cup])
        side = rng.choice(["left", "right"])
        shuffled = rng.permutation(3)  # The order of boxes says nothing.
        text = texts.setdefault(f"take the cup {side} of the {WORDS[other]}", len(texts))
        for slot in shuffled:
            pairs.append((len(rows), text))
            rows.append(PROTOTYPES[order[slot]] + 0.2 * rng.normal(size=D))
            places.append(in_a_row(3)[slot])
            item.append(number)
            right.append(slot == (0 if side == "left" else 2))
    x, where = np.array(rows, dtype=np.float32), np.array(places, dtype=np.float32)
    images = ImageSet(len(x), lambda: Features(x, x.copy()), no_pixels, places=lambda: where)
    return Choices(images, tuple(texts), np.array(pairs), np.array(item), np.array(right), ("relation",) * n)


@pytest.fixture
def model() -> TaskModel:
    """Knows words and no order."""
    return BagOfWords()


@pytest.fixture
def matching(model: TaskModel) -> MatchingTask:
    """See `matching_data`."""
    return MatchingTask(
        dataset="row", model=model, shots=None, seed=0, device="cpu", form="choice", train=matching_data(200, 0),
        val=matching_data(60, 1),
    )  # fmt: skip


@pytest.fixture
def grounding(model: TaskModel) -> GroundingTask:
    """See `grounding_data`."""
    return GroundingTask(
        dataset="cups", model=model, shots=None, seed=0, device="cpu", train=grounding_data(150, 0),
        val=grounding_data(60, 1),
    )  # fmt: skip
