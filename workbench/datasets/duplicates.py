"""Images that are equal or look alike: across splits, and in groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.datasets._near_pairs import near_pairs
from workbench.datasets.thumbnails import NEAR

_MOST_PAIRS = 1000
_LINKS = 1_000_000


@dataclass(frozen=True)
class Duplicates:
    """The duplicates among n images.

    Attributes:
        component: int64 (n,), equal for images that a chain of pairs joins.
        pairs: (row, row, correlation) of images of different splits that look alike and differ in bytes, the one of the
            earlier split first, most alike first; at most 1000.
        pair_count: How many such pairs there are.
        match: int64 (n,), of an image of validation or test an image that is equal or looks alike and stands in train,
            or else, of one of test, in validation; -1 where there is none.
    """

    component: IntArray
    pairs: tuple[tuple[int, int, float], ...]
    pair_count: int
    match: IntArray


def find_duplicates(contents: AnyArray, thumbnails: AnyArray, known: BoolArray, split: IntArray) -> Duplicates:
    """Compare all images with all others.

    Args:
        contents: uint8 (n, 32), hashes of the images; zeros where one could not be read.
        thumbnails: uint8 (n, 256), see `thumbnails.thumbnail`; of no matter where they are not known.
        known: bool (n,), which images are compared: those that can be decoded.
        split: int64 (n,): 0 train, 1 validation, 2 test.
    """
    rows = np.flatnonzero(known & contents.any(axis=1))
    if not len(rows):
        return Duplicates(np.arange(len(contents)), (), 0, np.full(len(contents), -1))
    _, first, code = np.unique(contents[rows], axis=0, return_index=True, return_inverse=True)
    code = code.reshape(-1)
    found = _Found(_first_rows(rows, code, split[rows], len(first)), _counts(code, split[rows], len(first)))
    chains = Chains(len(first))
    for i, j, similarity in near_pairs(thumbnails[rows[first]], NEAR):
        chains.join(i, j)
        found.note(i, j, similarity)
    component = np.arange(len(contents)) + len(first)
    component[rows] = chains.labels()[code]
    match = np.full(len(contents), -1)
    match[rows] = found.match[code, split[rows]]
    return Duplicates(component, found.most_alike(), found.pair_count, match)


def _first_rows(rows: IntArray, code: IntArray, split: IntArray, contents: int) -> IntArray:
    """The first row of each content in each split, int64 (contents, 3), -1 where it has none."""
    first = np.full((contents, 3), -1)
    first[code[::-1], split[::-1]] = rows[::-1]
    return first


def _counts(code: IntArray, split: IntArray, contents: int) -> IntArray:
    return np.bincount(code * 3 + split, minlength=3 * contents).reshape(-1, 3)


class _Found:
    """What is kept of pairs of contents as they come."""

    def __init__(self, first: IntArray, counts: IntArray) -> None:
        self.first, self.counts = first, counts
        self.match, self._match_split = np.full_like(first, -1), np.full_like(first, 3)
        self.pair_count = 0
        self._pairs: tuple[IntArray, IntArray, AnyArray] = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        everyone = np.arange(len(first))
        self._note_matches(everyone, everyone)

    def note(self, i: IntArray, j: IntArray, similarity: AnyArray) -> None:
        """Take up pairs of contents that look alike."""
        self._note_matches(i, j)
        self._note_matches(j, i)
        a, b = self.counts[i], self.counts[j]
        across = a.sum(axis=1) * b.sum(axis=1) - (a * b).sum(axis=1)
        self.pair_count += int(across.sum())
        new = across > 0
        pairs = [np.concatenate(part) for part in zip(self._pairs, (i[new], j[new], similarity[new]), strict=True)]
        best = np.lexsort((pairs[1], pairs[0], -pairs[2]))[:_MOST_PAIRS]
        self._pairs = (pairs[0][best], pairs[1][best], pairs[2][best])

    def most_alike(self) -> tuple[tuple[int, int, float], ...]:
        """See `Duplicates.pairs`; of equal images one stands for all."""
        pairs = []
        for i, j, similarity in zip(*(part.tolist() for part in self._pairs), strict=True):
            rows = [(s, int(a), t, int(b)) for s, a in enumerate(self.first[i]) for t, b in enumerate(self.first[j])]
            s, a, t, b = next((s, a, t, b) for s, a, t, b in rows if s != t and a >= 0 and b >= 0)
            pairs.append((a, b, similarity) if s < t else (b, a, similarity))
        return tuple(pairs)

    def _note_matches(self, held_out: IntArray, other: IntArray) -> None:
        for split in (1, 2):
            for earlier in range(split):
                better = self._match_split[held_out, split] > earlier
                new = better & (self.counts[held_out, split] > 0) & (self.counts[other, earlier] > 0)
                self.match[held_out[new], split] = self.first[other[new], earlier]
                self._match_split[held_out[new], split] = earlier


class Chains:
    """Which of n things are joined, while links come in blocks."""

    def __init__(self, n: int) -> None:
        self._labels = np.arange(n)
        self._links: list[tuple[IntArray, IntArray]] = []
        self._waiting = 0

    def join(self, i: IntArray, j: IntArray) -> None:
        """Join each of `i` with that of `j`."""
        self._links.append((i, j))
        self._waiting += len(i)
        if self._waiting >= _LINKS:
            self._merge()

    def labels(self) -> IntArray:
        """int64 (n,), equal where a chain of links joins."""
        self._merge()
        return self._labels

    def _merge(self) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if not self._waiting:
            return
        i, j = (self._labels[np.concatenate(part)] for part in zip(*self._links, strict=True))
        n = len(self._labels)
        graph = coo_array((np.ones(len(i)), (i, j)), shape=(n, n))
        component = connected_components(graph, directed=False)[1]
        self._labels = component[self._labels].astype(np.int64)
        self._links, self._waiting = [], 0


def groups_of(component: IntArray, groups: Sequence[str | None]) -> list[str]:
    """A group for each image, `1`, `2`, ...: those that are equal, look alike or share a group of the card have one.

    Args:
        component: As of `Duplicates`.
        groups: The card's, None where there is none.
    """
    _, code = np.unique(component, return_inverse=True)
    named = np.array([i for i, group in enumerate(groups) if group is not None], dtype=np.int64)
    numbers = {group: code.max() + 1 + k for k, group in enumerate(dict.fromkeys(groups[i] for i in named))}
    chains = Chains(int(code.max(initial=0)) + 1 + len(numbers))
    chains.join(code[named], np.array([numbers[groups[i]] for i in named], dtype=np.int64))
    label = chains.labels()[code]
    order: dict[int, int] = {}
    return [str(order.setdefault(own, len(order) + 1)) for own in label.tolist()]
