from importlib.metadata import entry_points
from itertools import combinations

import numpy as np
import pytest

from workbench.reports.colours import BASELINE, marks


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


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


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def lab(linear):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_hues_stay_apart_for_colour_blind_eyes(kind):
    seen = [
        lab(np.clip(np.array(BLINDNESS[kind]) @ linear(colour), 0, 1))
        for colour in {m.colour for m in marks([]).values()}
    ]
    # Red against green of equal lightness falls below 5; a difference of 10 is plain to see.
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 10
