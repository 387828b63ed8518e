"""Captions with one trait replaced."""

import numpy as np

from benchmarks.botany.leaf_morphology.captions import caption
from benchmarks.botany.leaf_morphology.negatives import contrasts
from benchmarks.botany.leaf_morphology.traits import SHAPES, Leaf, Specimen


def test_every_wrong_caption_differs_and_the_right_one_is_the_leaf_s():
    rng = np.random.default_rng(0)
    for number in range(30):
        leaf = Leaf.draw(Specimen.draw(SHAPES[number % len(SHAPES)], rng), rng)
        found = {item["kind"]: item for item in contrasts(leaf, rng)}
        assert set(found) == {"shape", "margin", "colour", "ground", "negation"}
        hurt = found.pop("negation")
        assert ("no insect" in hurt["text"]) == (not leaf.bites)
        assert ("no insect" in hurt["wrong"][0]) == bool(leaf.bites)
        for kind, item in found.items():
            assert item["text"] == caption(leaf)
            assert len({item["text"], *item["wrong"]}) == 3, kind
        assert all(leaf.ground not in text for text in found["ground"]["wrong"])
