"""The captions in Japanese, with the terms of Japanese radiology."""

from benchmarks.medical.mri_planes.slabs import Plane
from benchmarks.medical.mri_planes.volumes import Map

_PLANES: dict[Plane, str] = {"axial": "軸位断", "coronal": "冠状断", "sagittal": "矢状断"}
_MAPS: dict[Map, str] = {"t1": "T1強調MRI画像", "gm": "灰白質マップ", "wm": "白質マップ"}


def japanese_caption(plane: Plane, name: Map, position: int, side: str) -> str:
    """The sentence of `captions.caption` in Japanese."""
    return f"脳の{_PLANES[plane]}の{_MAPS[name]}、{_level(plane, position, side)}"


def _level(plane: Plane, position: int, side: str) -> str:
    distance = 10 * round(abs(position) / 10)
    if plane == "sagittal":
        toward = {"left": "左", "right": "右", "": ""}[side]
        return f"正中から約{distance}mm{toward}" if distance else "正中付近"
    if not distance:
        return "前交連の高さ" if plane == "axial" else "前交連の位置"
    toward = {"axial": ("上方", "下方"), "coronal": ("前方", "後方")}[plane][position < 0]
    return f"前交連の約{distance}mm{toward}"
