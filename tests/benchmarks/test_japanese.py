"""The embedded sets say in Japanese what they say in English."""

import re
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.botany.leaf_morphology.captions import caption as leaf_caption
from benchmarks.botany.leaf_morphology.captions_ja import SHAPES, japanese_caption
from benchmarks.botany.leaf_morphology.traits import SHAPES as ENGLISH_SHAPES
from benchmarks.botany.leaf_morphology.traits import Leaf, Specimen
from benchmarks.medical.mri_planes.captions import caption as slice_caption
from benchmarks.medical.mri_planes.captions_ja import japanese_caption as japanese_slice
from benchmarks.robotics.tabletop.language import captions
from benchmarks.robotics.tabletop.language_ja import japanese_captions
from benchmarks.robotics.tabletop.view import VisibleThing
from workbench.datasets import in_language, read_card

ROOT = Path(next(iter(benchmarks.__path__)))
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.mark.parametrize("name", ["medical/mri-planes", "botany/leaf-morphology", "robotics/tabletop"])
def test_cards_say_as_much_in_both_languages(name):
    card = read_card(ROOT / f"{name}.toml")
    japanese = in_language(card, "ja")
    assert list(japanese.classes) == list(card.classes)
    assert len(japanese.prompts.templates) == len(card.prompts.templates)
    assert len(set(japanese.classes.values())) == len(card.classes)
    assert {key: len(texts) for key, texts in japanese.prompts.descriptions.items()} == {
        key: len(texts) for key, texts in card.prompts.descriptions.items()
    }
    said = [*japanese.classes.values(), *japanese.prompts.templates, *sum(japanese.prompts.descriptions.values(), ())]
    assert all(JAPANESE.search(text) for text in said)
    assert japanese.columns.caption == "caption_ja"


def same_partition(pairs):
    """Whether two captions are equal in one language exactly where they are in the other."""
    pairs = set(pairs)
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_leaves_alike_in_english_are_alike_in_japanese():
    rng = np.random.default_rng(0)
    leaves = [Leaf.draw(Specimen.draw(ENGLISH_SHAPES[i % 6], rng), rng) for i in range(400)]
    assert same_partition((leaf_caption(leaf), japanese_caption(leaf)) for leaf in leaves)
    assert all(SHAPES[leaf.specimen.shape] in japanese_caption(leaf) for leaf in leaves)


def test_slices_alike_in_english_are_alike_in_japanese():
    places = [(plane, name, mm, "") for plane in ("axial", "coronal") for name in ("t1", "gm") for mm in range(-60, 61)]
    places += [("sagittal", "wm", mm, "left" if mm < 0 else "right") for mm in range(-60, 61)]
    assert same_partition((slice_caption(*place), japanese_slice(*place)) for place in places)
    assert japanese_slice("axial", "t1", 21, "") == "脳の軸位断のT1強調MRI画像、前交連の約20mm上方"


def test_scenes_are_told_sentence_by_sentence():
    seen = [
        VisibleThing("box", "red", "small", (90, 90, 110, 110), 1.0, 1.0),
        VisibleThing("cup", "white", "large", (10, 90, 30, 110), 1.0, 1.0),
        VisibleThing("can", "blue", "large", (160, 90, 180, 110), 1.3, 1.0),
    ]
    found = japanese_captions(seen, "checked", 192)
    assert len(found) == len(captions(seen, "checked", 192)) == 3
    assert found[0] == "市松模様のテーブルクロスの上にある大きな白いカップ、小さな赤い箱と大きな青い缶"
    assert found[1] == "大きな白いカップの右にある小さな赤い箱"
    assert captions(seen, "checked", 192)[1] == "a small red box to the right of a large white cup"
    assert found[2] == "市松模様のテーブルクロスの真ん中にある小さな赤い箱と、ほかの2つの物"
