"""Sentences that are true of a photograph, each with wrong ones that differ from it in one respect.

The replacement in a wrong sentence is drawn at random, so that no word, and no repeated word, shows by itself which
sentence is right: Hsieh et al. ("SugarCrepe", NeurIPS 2023) found many such benchmarks solved without a look at the
picture. A comparison of the sentences can show it: wrong ones of a relation mean the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Any, Literal, TypeVar

import numpy as np

from benchmarks.robotics.tabletop.language import WORDS, Query, describe
from benchmarks.robotics.tabletop.objects import COLOURS, KINDS
from benchmarks.robotics.tabletop.view import OPPOSITES, VisibleThing, relation_holds

T = TypeVar("T")

ChangeKind = Literal["attribute", "object", "relation", "negation"]


@dataclass(frozen=True)
class Contrast:
    """A true sentence and false ones.

    Attributes:
        text: True of the photograph.
        wrong: False of it.
        kind: The difference of the wrong ones: the colours of two objects exchanged or one replaced (`attribute`), a
            kind of object replaced (`object`), a relation turned round (`relation`), or whether there is something
            (`negation`).
    """

    text: str
    wrong: tuple[str, ...]
    kind: ChangeKind

    def to_json(self) -> dict[str, Any]:
        """For the metadata."""
        return asdict(self)


def contrasts(seen: Sequence[VisibleThing], size: int, rng: np.random.Generator) -> list[Contrast]:
    """One contrast of each kind that the photograph allows.

    Args:
        seen: The objects.
        size: Edge of the image, pixels.
        rng: Draws among the possible ones.
    """
    chosen = []
    for make in (_attribute, _object, _relation, _negation):
        options = list(make(seen, size, rng))
        if options:
            chosen.append(options[rng.integers(len(options))])
    return chosen


def _there_is(seen: Sequence[VisibleThing], kind: str | None, colour: str | None) -> bool:
    return any(Query(kind, colour).fits(thing) for thing in seen)


def _both(first: VisibleThing, second: VisibleThing) -> str:
    return f"{describe(first, size=False)} and {describe(second, size=False)}"


def _named(kind: str, colour: str) -> str:
    return f"a {Query(kind, colour)}"


def _pairs(seen: Sequence[VisibleThing]) -> Iterator[tuple[VisibleThing, VisibleThing]]:
    """Ordered pairs that differ in kind and colour."""
    for first, second in permutations(seen, 2):
        if first.kind != second.kind and first.colour != second.colour:
            yield first, second


def _drawn(options: Sequence[T], count: int, rng: np.random.Generator) -> list[T]:
    return [options[i] for i in rng.permutation(len(options))[:count]]


def _attribute(seen: Sequence[VisibleThing], size: int, rng: np.random.Generator) -> Iterator[Contrast]:  # noqa: ARG001 - one signature for all makers
    for a, b in _pairs(seen):
        wrong = []
        if not (_there_is(seen, a.kind, b.colour) and _there_is(seen, b.kind, a.colour)):
            wrong.append(f"{_named(a.kind, b.colour)} and {_named(b.kind, a.colour)}")
        absent = [colour for colour in COLOURS if colour != b.colour and not _there_is(seen, a.kind, colour)]
        wrong += [f"{_named(a.kind, colour)} and {describe(b, size=False)}" for colour in _drawn(absent, 1, rng)]
        if wrong:
            yield Contrast(_both(a, b), tuple(wrong), "attribute")


def _object(seen: Sequence[VisibleThing], size: int, rng: np.random.Generator) -> Iterator[Contrast]:  # noqa: ARG001
    for a, b in _pairs(seen):
        absent = [kind for kind in KINDS if kind != b.kind and not _there_is(seen, kind, a.colour)]
        wrong = tuple(f"{_named(kind, a.colour)} and {describe(b, size=False)}" for kind in _drawn(absent, 2, rng))
        if wrong:
            yield Contrast(_both(a, b), wrong, "object")


def _relation(seen: Sequence[VisibleThing], size: int, rng: np.random.Generator) -> Iterator[Contrast]:  # noqa: ARG001
    alone = [t for t in seen if sum(Query(t.kind, t.colour).fits(second) for second in seen) == 1]
    for a, b in permutations(alone, 2):
        for relation, opposite in OPPOSITES.items():
            if relation_holds(a, relation, b, size):
                first, second = describe(a, size=False), describe(b, size=False)
                wrong = (f"{first} {WORDS[opposite]} {second}", f"{second} {WORDS[relation]} {first}")
                yield Contrast(f"{first} {WORDS[relation]} {second}", wrong, "relation")


def _negation(seen: Sequence[VisibleThing], size: int, rng: np.random.Generator) -> Iterator[Contrast]:  # noqa: ARG001
    """Equally many objects that are there and that are not, so that the form of a sentence does not show the answer."""
    present = sorted({(thing.kind, thing.colour) for thing in seen})
    missing = [pair for pair in ((k, c) for k in KINDS for c in COLOURS) if pair not in present]
    # Missing objects that share the kind or colour of a present one are the hard ones.
    near = [(k, c) for k, c in missing if _there_is(seen, k, None) or _there_is(seen, None, c)]
    for (kind, colour), (other_kind, other_colour) in zip(present, _drawn(near, len(present), rng), strict=False):
        yes, no = f"there is a {Query(kind, colour)}", f"there is no {Query(kind, colour)}"
        yield Contrast(yes, (no,), "negation")
        yes, no = f"there is a {Query(other_kind, other_colour)}", f"there is no {Query(other_kind, other_colour)}"
        yield Contrast(no, (yes,), "negation")
