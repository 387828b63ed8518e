"""Units that no made split may divide: images that share a group or their bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from workbench.arrays import AnyArray, IntArray

Groups = Sequence[str | None]

PLACEHOLDER_GROUPS, PLACEHOLDER_SHARE = 3, 0.02
"""A picture in more groups than this, and in more than this share of all groups, does not join them.

Such a picture is a placeholder ("no image available") or a calibration shot. Equal pictures in a few groups are more
likely copies, one of which has the wrong group; joining those costs a split little.
"""


@dataclass(frozen=True)
class SharedPicture:
    """A picture that stands in several groups.

    Attributes:
        ids: The ids of its copies.
        groups: Number of groups that they are in.
    """

    ids: tuple[str, ...]
    groups: int


def identities(groups: Groups, hashes: AnyArray, ids: Sequence[str]) -> tuple[AnyArray, list[SharedPicture]]:
    """Identities of images where splits are made: their content hash, with two exceptions.

    All images that could not be read have the same hash, of zeros: their ids take its place. A picture that very many
    groups share (see `PLACEHOLDER_GROUPS`) does not show that these belong together: it has another identity in each.

    Args:
        groups: Group of each image, or None.
        hashes: uint8 (n, 32), content hashes; zeros where an image could not be read.
        ids: Unique names.

    Returns:
        uint8 (n, 32), and the pictures of the second exception.
    """
    identity = np.array(hashes, dtype=np.uint8)

    def replace(i: int, reason: str) -> None:
        identity[i] = np.frombuffer(
            blake2b(reason.encode() + hashes[i].tobytes(), digest_size=32).digest(), dtype=np.uint8
        )

    for i in np.flatnonzero(~identity.any(axis=1)).tolist():
        replace(i, ids[i])
    most = max(PLACEHOLDER_GROUPS, PLACEHOLDER_SHARE * len({group for group in groups if group is not None}))
    placeholders = [copies for copies in _repeated(groups, identity) if len({groups[i] for i in copies}) > most]
    for copies in placeholders:
        for i in copies:
            replace(i, f"group {groups[i]}")
    return identity, [_named(copies, groups, ids) for copies in placeholders]


def shared_pictures(groups: Groups, identity: AnyArray, ids: Sequence[str]) -> list[SharedPicture]:
    """The pictures that join groups, those of most groups first; arguments as for `identities`."""
    pictures = (_named(copies, groups, ids) for copies in _repeated(groups, identity))
    return sorted(
        (picture for picture in pictures if picture.groups > 1), key=lambda picture: (-picture.groups, picture.ids)
    )


def _named(copies: Sequence[int], groups: Groups, ids: Sequence[str]) -> SharedPicture:
    return SharedPicture(tuple(sorted(ids[i] for i in copies)), len({groups[i] for i in copies}))


def _repeated(groups: Groups, identity: AnyArray) -> list[list[int]]:
    """Positions of images with a group, those with equal identities together, where there are two or more."""
    named = np.array([i for i, group in enumerate(groups) if group is not None], dtype=np.int64)
    if not len(named):
        return []
    _, code, count = np.unique(identity[named], axis=0, return_inverse=True, return_counts=True)
    code = code.reshape(-1)
    order = np.argsort(code, kind="stable")
    order = order[count[code[order]] > 1]
    cuts = np.flatnonzero(np.diff(code[order])) + 1
    return [named[part].tolist() for part in np.split(order, cuts)] if len(order) else []


def units_of(groups: Groups, identity: AnyArray) -> IntArray:
    """Codes 0..u-1 of units: connected components of images that share a group or an identity."""
    content = np.unique(identity, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    named = [i for i, group in enumerate(groups) if group is not None]
    if not named:
        return content
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(content.max()) + 1
    code = {group: n + i for i, group in enumerate(sorted({group for group in groups if group is not None}))}
    links = (content[named], np.array([code[group] for group in groups if group is not None]))
    size = n + len(code)
    graph = coo_array((np.ones(len(named), dtype=np.int8), links), shape=(size, size))
    component = connected_components(graph, directed=False)[1]
    return np.unique(component[content], return_inverse=True)[1].reshape(-1).astype(np.int64)


def random_positions(groups: Groups, identity: AnyArray, unit: IntArray, salt: str) -> AnyArray:
    """A number for each unit, uniform in 0..1, from the name of one of its groups or the bytes of one of its images.

    It is that of the member whose digest is smallest, and not the smallest number: a unit of many members has no other
    chances than one of a single member, and keeps its number when it grows by a member, most of the time.

    Returns:
        float64 (u,).
    """
    parts = (row.tobytes() if group is None else group.encode() for group, row in zip(groups, identity, strict=True))
    digests = b"".join(blake2b(part, digest_size=16, key=salt.encode()).digest() for part in parts)
    words = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
    order = np.lexsort((words[:, 0], unit))
    first = order[np.searchsorted(unit[order], np.arange(int(unit.max()) + 1))]
    return np.asarray(words[first, 1] / 2.0**64, dtype=np.float64)
