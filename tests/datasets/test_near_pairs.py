"""The search for near pairs finds each of them, in photographs as in the worst case."""

import numpy as np
import pytest

from tests.datasets.planted_thumbnails import copied, thumbnails
from workbench.arrays import AnyArray
from workbench.datasets import _near_pairs
from workbench.datasets._near_pairs import near_pairs


def found(images: AnyArray, least: float) -> dict[tuple[int, int], float]:
    blocks = list(near_pairs(images, least))
    i, j, near = (np.concatenate([block[k] for block in blocks] or [np.empty(0)]).tolist() for k in range(3))
    pairs = list(zip(i, j, strict=True))
    assert len(set(pairs)) == len(pairs)
    return dict(zip(pairs, near, strict=True))


def by_force(images: AnyArray, least: float) -> set[tuple[int, int]]:
    """All with all, in single precision first, and those about the bound in double."""
    values = images.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    single, pairs = values.astype(np.float32), set()
    for start in range(0, len(values), 1024):
        i, j = np.nonzero(single[start : start + 1024] @ single.T >= least - 1e-4)
        i, j = i[i + start < j] + start, j[i + start < j]
        near = np.einsum("ij,ij->i", values[i], values[j]) >= least
        pairs |= set(zip(i[near].tolist(), j[near].tolist(), strict=True))
    return pairs


def test_every_pair_of_twenty_thousand_is_found():
    """Recall is 1: the pairs are those of comparing all with all."""
    images = thumbnails(16_000)
    images = np.concatenate([images, copied(images[::4])])
    pairs = found(images, 0.99)
    assert set(pairs) == by_force(images, 0.99)
    assert 1500 < len(pairs) < 4000  # Of 4000 copies; the noisier ones do not count.


@pytest.mark.parametrize("least", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("count", [2, 3, 128, 129, 700])
def test_other_bounds_and_few_images(least, count):
    images = np.concatenate([thumbnails(count, seed=count), copied(thumbnails(count, seed=count)[:50])])
    assert set(found(images, least)) == by_force(images, least)


def test_pictures_of_few_components():
    """The search looks at components first, and these pictures have no others: its bounds are tight here."""
    rng = np.random.default_rng(0)
    waves = np.cos(np.pi * np.outer(np.arange(5), np.arange(16) + 0.5) / 16)
    planes = np.einsum("ai,bj->abij", waves, waves).reshape(25, 256)[1:5]
    images = np.clip(128 + rng.normal(0, 25, (3000, 4)) @ planes, 0, 255).astype(np.uint8)
    pairs = by_force(images, 0.99)
    assert set(found(images, 0.99)) == pairs
    assert len(pairs) > 1000


def test_images_that_are_all_alike(monkeypatch):
    """The worst case: no box is far from any other."""
    monkeypatch.setattr(_near_pairs, "_BLOCK", 100)
    monkeypatch.setattr(_near_pairs, "_VERIFIED", 64)
    base = thumbnails(1)
    images = np.clip(base + np.random.default_rng(0).normal(0, 3, (300, 256)), 0, 255).astype(np.uint8)
    pairs = found(images, 0.99)
    assert set(pairs) == by_force(images, 0.99)
    assert len(pairs) > 10_000


def test_similarity_is_pearson_correlation(monkeypatch):
    monkeypatch.setattr(_near_pairs, "_BLOCK", 7)
    images = np.random.default_rng(0).integers(0, 256, (37, 256), dtype=np.uint8)
    expected = np.corrcoef(images)
    pairs = found(images, -2)
    assert set(pairs) == {(i, j) for j in range(37) for i in range(j)}
    assert all(near == pytest.approx(expected[i, j], abs=1e-12) for (i, j), near in pairs.items())


def test_images_of_one_tone_resemble_nothing():
    images = np.concatenate([np.full((3, 256), 9, np.uint8), thumbnails(1), thumbnails(1)])
    images[0, 0] = 20
    assert found(images, 0.5) == {(3, 4): pytest.approx(1)}
    assert found(images[:3], 0.5) == {}
