"""The captions in Japanese."""

from collections.abc import Sequence

from benchmarks.robotics.tabletop.objects import Colour, Kind, Size
from benchmarks.robotics.tabletop.scene import Table
from benchmarks.robotics.tabletop.view import Relation, VisibleThing, relations

_KINDS: dict[Kind, str] = {"box": "箱", "ball": "ボール", "can": "缶", "cup": "カップ", "bottle": "瓶"}
_COLOURS: dict[Colour, str] = {
    "red": "赤い", "green": "緑色の", "blue": "青い", "yellow": "黄色い", "purple": "紫色の", "white": "白い",
}  # fmt: skip
_SIZES: dict[Size, str] = {"small": "小さな", "large": "大きな"}
_RELATIONS: dict[Relation, str] = {"left of": "左", "right of": "右", "in front of": "手前", "behind": "後ろ"}
_TABLES: dict[Table, str] = {
    "wooden": "木のテーブル", "white": "白いテーブル", "grey": "灰色のテーブル", "checked": "市松模様のテーブルクロス",
}  # fmt: skip


def japanese_captions(seen: Sequence[VisibleThing], table: Table, size: int) -> list[str]:
    """The sentences of `language.captions` in Japanese."""
    in_order = [_describe(thing) for thing in sorted(seen, key=lambda thing: thing.centre)]
    sentences = [f"{_TABLES[table]}の上にある{'、'.join(in_order[:-1])}と{in_order[-1]}"]
    for i, relation, j in relations(seen, size):
        if i == 0:
            sentences.append(f"{_describe(seen[j])}の{_RELATIONS[relation]}にある{_describe(seen[i])}")
            break
    sentences.append(f"{_TABLES[table]}の真ん中にある{_describe(seen[0])}と、ほかの{len(seen) - 1}つの物")
    return sentences


def _describe(thing: VisibleThing) -> str:
    return f"{_SIZES[thing.size]}{_COLOURS[thing.colour]}{_KINDS[thing.kind]}"
