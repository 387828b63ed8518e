"""A colour and a shape for each recipe, the same on every page of the dashboard and in every report.

Six hues of Okabe and Ito (2008), which colour-blind people can distinguish and which stand out on white and on black;
where there are more recipes than hues, shape and dash differ as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_HUES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_SHAPES = (
    "circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left", "triangle-right"
)  # fmt: skip
MARKERS = dict(zip(_SHAPES, ("o", "s", "^", "D", "P", "v", "<", ">"), strict=True))
"""Matplotlib's markers by Vega-Lite's names of shapes."""
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2), (4, 4), (1, 3), (10, 4), (6, 2, 1, 2))
BASELINE = "#6E6E6E"
CATEGORIES = (*_HUES, "#A21AFC", "#84C57D", "#8C564B", "#B71586")
"""Ten colours unlike each other; their shapes differ, too, because no ten are apart for all colour-blind eyes."""
FIRST, SECOND = _HUES[0], _HUES[5]
"""The two sides of a comparison."""

# The order of the built-in recipes is fixed, so that none changes its colour when another is added behind.
_ORDER = (
    "zero-shot", "linear-probe", "lora", "tip-adapter", "gda", "coop",
    "nearest-class-mean", "knn", "clip-lora", "tip-adapter-f", "lp-plus-plus", "clap",
    "linear-probe-text", "cross-modal-probe", "clip-adapter", "task-res", "full-fine-tune", "linear-head",
)  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """The colour, shape and dash of a recipe.

    Attributes:
        colour: Hexadecimal.
        shape: Vega-Lite's name of a point's shape.
        dash: Line and gap lengths in pixels.
    """

    colour: str
    shape: str
    dash: tuple[int, ...]


def apart(names: Sequence[str], marks_of: Mapping[str, Mark]) -> dict[str, str]:
    """The colours of one chart's recipes: their own, and of those that would share one all but the first another.

    Above ten recipes colours repeat, and shapes tell them apart.
    """
    colours: dict[str, str] = {}
    places = {name: place for place, name in enumerate(marks_of)}
    for name in sorted(names, key=lambda name: places[name]):
        own = marks_of[name].colour
        free = [colour for colour in CATEGORIES if colour not in colours.values()]
        colours[name] = own if own not in colours.values() or not free else free[-1]
    return colours


def category_marks(names: Sequence[str]) -> dict[str, Mark]:
    """A colour and a shape for each of at most ten categories of one chart."""
    return {
        name: Mark(CATEGORIES[place], _SHAPES[place % len(_SHAPES)], (1, 0))
        for place, name in enumerate(names[: len(CATEGORIES)])
    }


def marks(labels: Iterable[str]) -> dict[str, Mark]:
    """The mark of each recipe label.

    Args:
        labels: All labels in the store, not only those of the page, so that no filter changes a colour.
    """
    others = sorted(set(labels) - {*_ORDER, "majority-class"})
    mark_of = {"majority-class": Mark(BASELINE, "circle", (2, 2))}
    for place, label in enumerate((*_ORDER, *others)):
        turn = place // len(_HUES) % len(_SHAPES)
        mark_of[label] = Mark(_HUES[place % len(_HUES)], _SHAPES[turn], _DASHES[turn])
    return mark_of
