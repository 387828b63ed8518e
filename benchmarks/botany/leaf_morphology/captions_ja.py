"""The captions in Japanese, with the terms of Japanese botany."""

from benchmarks.botany.leaf_morphology.traits import Colour, Ground, Leaf, Margin, Shape

SHAPES: dict[Shape, str] = {
    "lanceolate": "披針形", "ovate": "卵形", "obovate": "倒卵形", "cordate": "心形", "palmately lobed": "掌状裂",
    "pinnately lobed": "羽状裂",
}  # fmt: skip
_MARGINS: dict[Margin, str] = {"entire": "全縁", "serrate": "鋸歯縁", "crenate": "円鋸歯縁", "dentate": "歯牙縁"}
_COLOURS: dict[Colour, str] = {
    "green": "緑色", "dark green": "濃緑色", "yellow": "黄色", "red": "赤色", "purple": "紫色",
}  # fmt: skip
_GROUNDS: dict[Ground, str] = {
    "a herbarium sheet": "標本台紙", "sand": "砂", "soil": "土", "moss": "苔", "a wooden board": "木の板",
}  # fmt: skip


def japanese_caption(leaf: Leaf) -> str:
    """The sentence of `captions.caption` in Japanese."""
    plant = leaf.specimen
    venation = {"palmate": "掌状脈", "pinnate": "羽状脈"}[plant.venation]
    damage = "、虫食いの跡がある" if leaf.bites else ""
    blade = f"{_COLOURS[plant.colour]}の{SHAPES[plant.shape]}の葉"
    return f"{_GROUNDS[leaf.ground]}の上にある{blade}、{_MARGINS[plant.margin]}で{venation}{damage}"
