"""The inputs of the head: features and places of an image's regions."""

from dataclasses import dataclass

import numpy as np

from workbench.plugin import AnyArray, Candidates, Features, FloatArray, ImageSet, RecipeError

_WHOLE = np.array([[0, 0, 1, 1]], dtype=np.float32)


@dataclass(frozen=True)
class Scenes:
    """Regions, scene by scene.

    Attributes:
        features: Features of r regions.
        places: float32 (r, 4): left, top, right, bottom as shares of the picture.
        members: int64 (s, most), the regions of each scene; filled up with -1.
    """

    features: Features
    places: FloatArray
    members: AnyArray


@dataclass(frozen=True)
class Questions:
    """Texts paired with scenes.

    A question has a score for each region of its scene; a candidate's score is one of them, or combines all.

    Attributes:
        scenes: The scenes.
        scene: int64 (q,).
        text: int64 (q,), its text's number.
        question: int64 (p,), the question that each candidate belongs to.
        slot: int64 (p,), the candidate's place among the scene's members; -1 where the whole scene is the candidate.
    """

    scenes: Scenes
    scene: AnyArray
    text: AnyArray
    question: AnyArray
    slot: AnyArray


def grounding_questions(candidates: Candidates) -> Questions:
    """An item is a question about the scene of its candidate boxes."""
    starts = candidates.starts
    counts = np.diff(starts, append=len(candidates.item))
    slot = np.arange(len(candidates.item)) - np.repeat(starts, counts)
    members = np.full((len(starts), counts.max(initial=1)), -1, dtype=np.int64)
    members[candidates.item, slot] = candidates.pairs[:, 0]
    places = _places(candidates.images)
    scenes = Scenes(candidates.images.features, places, members)
    return Questions(scenes, np.arange(len(starts)), candidates.pairs[starts, 1], candidates.item, slot)


def matching_questions(candidates: Candidates, n: int) -> Questions:
    """A pair is a question about its image's tiles and the image as a whole."""
    scenes = tiled(candidates.images, n)
    pair_numbers = np.arange(len(candidates.pairs))
    return Questions(
        scenes, candidates.pairs[:, 0], candidates.pairs[:, 1], pair_numbers, np.full(len(pair_numbers), -1)
    )


def tiled(images: ImageSet, n: int) -> Scenes:
    """Each image's tiles, and the image itself as its first region."""
    tiles = images.tiles(n)
    places = _places(tiles.images)
    count = len(images)
    order = np.argsort(np.concatenate([np.arange(count), tiles.owner]), kind="stable")
    owner = np.concatenate([np.arange(count), tiles.owner])[order]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    slot = np.arange(len(owner)) - starts[owner]
    members = np.full((count, slot.max(initial=0) + 1), -1, dtype=np.int64)
    members[owner, slot] = np.arange(len(owner))
    whole, parts = images.features, tiles.images.features
    return Scenes(
        Features(
            np.concatenate([whole.pooled, parts.pooled])[order],
            np.concatenate([whole.projected, parts.projected])[order],
        ),
        np.concatenate([np.repeat(_WHOLE, count, axis=0), places])[order],
        members,
    )


def _places(images: ImageSet) -> AnyArray:
    if images.places is None:
        raise RecipeError('recipe "relation-head": these images are no regions of others, so they lie nowhere.')
    return images.places
