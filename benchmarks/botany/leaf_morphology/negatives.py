"""Captions of a leaf with one trait replaced."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.botany.leaf_morphology.captions import caption
from benchmarks.botany.leaf_morphology.traits import COLOURS, GROUNDS, MARGINS, SHAPES, Leaf

_WRONG = 2  # Replacements of a trait.


def contrasts(leaf: Leaf, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The leaf's caption against captions that differ in its shape, margin, colour or ground, or say it is unhurt.

    Args:
        leaf: The leaf.
        rng: Draws the replacements.

    Returns:
        Objects with `text` (true), `wrong` (false) and `kind`.
    """
    right, plant = caption(leaf), leaf.specimen
    changed: dict[str, list[Leaf]] = {
        "shape": [replace(leaf, specimen=replace(plant, shape=new)) for new in _others(SHAPES, plant.shape, rng)],
        "margin": [replace(leaf, specimen=replace(plant, margin=new)) for new in _others(MARGINS, plant.margin, rng)],
        "colour": [replace(leaf, specimen=replace(plant, colour=new)) for new in _others(COLOURS, plant.colour, rng)],
        "ground": [replace(leaf, ground=new) for new in _others(GROUNDS, leaf.ground, rng)],
    }
    trait_contrasts = [
        {"text": right, "wrong": [caption(changed_leaf) for changed_leaf in wrong], "kind": kind}
        for kind, wrong in changed.items()
    ]
    hurt, unhurt = "a leaf that insects have damaged", "a leaf that no insect has damaged"
    text, wrong = (hurt, unhurt) if leaf.bites else (unhurt, hurt)
    return [*trait_contrasts, {"text": text, "wrong": [wrong], "kind": "negation"}]


def _others(values: Sequence[Any], current: str, rng: np.random.Generator) -> list[Any]:
    others = [value for value in values if value != current]
    return [others[i] for i in rng.permutation(len(others))[:_WRONG]]
