from importlib.metadata import entry_points
from itertools import pairwise

from dashboards.colours import BASELINE, marks


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_no_two_recipes_look_alike():
    names = {point.name for point in entry_points(group="workbench.recipes")} | {"mine", "yours"}
    found = marks(names)
    looks = [(found[name].colour, found[name].shape) for name in names]
    assert len(set(looks)) == len(names)


def test_a_mark_does_not_depend_on_what_else_is_there():
    few, many = marks(["lora"]), marks(["lora", "aaa", "zzz"])
    assert few["lora"] == many["lora"]
    assert few["majority-class"].colour == BASELINE


def test_colours_stand_out_on_white_and_on_black():
    dark = luminance("#0e1117")
    for mark in marks([]).values():
        value = luminance(mark.colour)
        assert 1.05 / (value + 0.05) >= 2.0
        assert (value + 0.05) / (dark + 0.05) >= 3.0


def test_hues_differ_in_lightness_too():
    values = sorted({luminance(mark.colour) for mark in marks([]).values()})
    assert all(b > a for a, b in pairwise(values))
