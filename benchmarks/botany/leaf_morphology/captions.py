"""Captions in botanical terms."""

from benchmarks.botany.leaf_morphology.traits import Leaf


def caption(leaf: Leaf) -> str:
    """One sentence that is true of the leaf; leaves alike in these traits share it."""
    plant = leaf.specimen
    blade = f"{_article(plant.colour)} {plant.colour} {plant.shape} leaf"
    traits = f"{_article(plant.margin)} {plant.margin} margin and {plant.venation} venation"
    damage = ", damaged by insects" if leaf.bites else ""
    return f"{blade} with {traits}, on {leaf.ground}{damage}"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
