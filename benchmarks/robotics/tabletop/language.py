"""Captions and instructions that are true of a photograph, and clear unless they are marked as ambiguous."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.robotics.tabletop.scene import Table
from benchmarks.robotics.tabletop.view import OPPOSITES, Relation, VisibleThing, relation_holds, relations

InstructionKind = Literal["kind", "colour", "attributes", "distractors", "size", "relation", "extreme", "ambiguous"]

_VERBS = ("bring me", "hand me", "pick up", "pass me", "fetch", "grab")
WORDS: dict[Relation, str] = {
    "left of": "to the left of", "right of": "to the right of", "in front of": "in front of", "behind": "behind",
}  # fmt: skip
_TABLES: dict[Table, str] = {
    "wooden": "a wooden table", "white": "a white table", "grey": "a grey table", "checked": "a checked tablecloth",
}  # fmt: skip
_NUMBERS = ("no", "one", "two", "three", "four", "five")


@dataclass(frozen=True)
class Query:
    """A description of objects; None leaves a trait open."""

    kind: str | None = None
    colour: str | None = None
    size: str | None = None

    def fits(self, thing: VisibleThing) -> bool:
        """Whether it describes an object."""
        traits = ((self.kind, thing.kind), (self.colour, thing.colour), (self.size, thing.size))
        return all(expected is None or expected == actual for expected, actual in traits)

    def __str__(self) -> str:
        """In words, without an article: `small red box`, `red object`."""
        return " ".join(word for word in (self.size, self.colour, self.kind or "object") if word)


@dataclass(frozen=True)
class Instruction:
    """A sentence that asks for an object.

    Attributes:
        text: The sentence.
        kind: The information that it needs: the `kind` or `colour` alone; kind and colour together (`attributes`; with
            `distractors` where other objects share the kind and others the colour); the `size` as well; a `relation` to
            another object; being the `extreme` of several; or `ambiguous`, as it describes several objects.
        answer: Index of the object, None if ambiguous.
        fits: Indices of all objects that it describes.
        query: Description of the object.
        relation: Its relation to the anchor, if the sentence has one.
        anchor: Description of the other object, if the sentence has one.
    """

    text: str
    kind: InstructionKind
    answer: int | None
    fits: tuple[int, ...]
    query: Query
    relation: str | None = None
    anchor: Query | None = None

    def to_json(self) -> dict[str, Any]:
        """For the metadata."""
        return asdict(self)


def describe(thing: VisibleThing, *, size: bool = True) -> str:
    """An object with its traits and article: `a small red box`."""
    return "a " + str(Query(thing.kind, thing.colour, thing.size if size else None))


def captions(seen: Sequence[VisibleThing], table: Table, size: int) -> list[str]:
    """Captions: the objects from left to right, a relation of the middle object to another, and the middle object.

    Args:
        seen: The objects, the one in the middle first.
        table: The table that they stand on.
        size: Edge of the image, pixels.
    """
    in_order = [describe(thing) for thing in sorted(seen, key=lambda thing: thing.centre)]
    sentences = [f"{', '.join(in_order[:-1])} and {in_order[-1]} on {_TABLES[table]}"]
    for i, relation, j in relations(seen, size):
        if i == 0:
            sentences.append(f"{describe(seen[i])} {WORDS[relation]} {describe(seen[j])}")
            break
    others = f"{_NUMBERS[len(seen) - 1]} other {'object' if len(seen) == 2 else 'objects'}"
    sentences.append(f"{describe(seen[0])} in the middle of {_TABLES[table]} with {others}")
    return sentences


def instructions(seen: Sequence[VisibleThing], size: int, rng: np.random.Generator) -> list[Instruction]:
    """One instruction of each kind that the photograph allows, drawn among the possible ones.

    Args:
        seen: The objects.
        size: Edge of the image, pixels.
        rng: Draws among them.
    """
    by_kind: dict[str, list[Instruction]] = {}
    for make in (_by_traits, _by_relation, _by_extreme):
        for instruction in make(seen, size):
            by_kind.setdefault(instruction.kind, []).append(instruction)
    chosen = []
    for _, options in sorted(by_kind.items()):
        option = options[rng.integers(len(options))]
        verb = _VERBS[rng.integers(len(_VERBS))]
        chosen.append(Instruction(**{**option.__dict__, "text": f"{verb} {option.text}"}))
    return chosen


def _matches(query: Query, seen: Sequence[VisibleThing]) -> tuple[int, ...]:
    return tuple(i for i, thing in enumerate(seen) if query.fits(thing))


def _by_traits(seen: Sequence[VisibleThing], size: int) -> Iterator[Instruction]:  # noqa: ARG001 - one signature for all makers
    for i, thing in enumerate(seen):
        kind, colour = Query(thing.kind), Query(None, thing.colour)
        both, full = Query(thing.kind, thing.colour), Query(thing.kind, thing.colour, thing.size)
        same_kind, same_colour, same_both = (_matches(query, seen) for query in (kind, colour, both))
        if len(same_kind) == 1:
            yield Instruction(f"the {kind}", "kind", i, (i,), kind)
        else:
            yield Instruction(f"the {kind}", "ambiguous", None, same_kind, kind)
        if len(same_colour) == 1:
            yield Instruction(f"the {colour}", "colour", i, (i,), colour)
        if len(same_both) == 1:
            crowded = len(same_kind) > 1 and len(same_colour) > 1
            yield Instruction(f"the {both}", "distractors" if crowded else "attributes", i, (i,), both)
        else:
            yield Instruction(f"the {full}", "size", i, (i,), full)


def _by_relation(seen: Sequence[VisibleThing], size: int) -> Iterator[Instruction]:
    """Only where the relation is needed, and clearly holds or clearly does not for every object of the kind."""
    for anchor_index, anchor in enumerate(seen):
        anchor_query = Query(anchor.kind, anchor.colour)
        if len(_matches(anchor_query, seen)) > 1:
            continue
        for kind in sorted({thing.kind for thing in seen}):
            query = Query(kind)
            alike = [i for i in _matches(query, seen) if i != anchor_index]
            if len(alike) < 2:
                continue
            for relation in OPPOSITES:
                holds = [relation_holds(seen[i], relation, anchor, size) for i in alike]
                if None in holds or holds.count(True) != 1:
                    continue
                answer = alike[holds.index(True)]
                text = f"the {query} {WORDS[relation]} the {anchor_query}"
                yield Instruction(text, "relation", answer, (answer,), query, relation, anchor_query)


def _by_extreme(seen: Sequence[VisibleThing], size: int) -> Iterator[Instruction]:
    words: dict[Relation, str] = {
        "left of": "the leftmost {}",
        "right of": "the rightmost {}",
        "in front of": "the {} closest to you",
        "behind": "the {} farthest from you",
    }
    for kind in sorted({thing.kind for thing in seen}):
        query = Query(kind)
        alike = _matches(query, seen)
        for i in alike if len(alike) > 1 else ():
            for relation, text in words.items():
                if all(relation_holds(seen[i], relation, seen[j], size) for j in alike if j != i):
                    yield Instruction(text.format(query), "extreme", i, (i,), query, relation)
