from dataclasses import replace

import numpy as np
import pytest

from benchmarks.botany.leaf_morphology.outline import outline, with_margin
from benchmarks.botany.leaf_morphology.traits import SHAPES, Specimen
from benchmarks.botany.leaf_morphology.venation import veins

SEEDS = range(12)


def entire(shape, seed):
    drawn = Specimen.draw(shape, np.random.default_rng(seed))
    return replace(drawn, margin="entire", tooth_depth=0.0)


def peaks(values):
    return int(((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_outline_is_symmetric_from_base_to_tip(shape):
    for seed in SEEDS:
        points = outline(entire(shape, seed))
        half = len(points) // 2
        assert np.allclose(points[half], [0, 1], atol=0.02)
        assert np.allclose(points[1:half], points[:half:-1] * [-1, 1])


@pytest.mark.parametrize(
    ("shape", "ratio", "widest"),
    [("lanceolate", (3, 6), (0.2, 0.5)), ("ovate", (1.2, 2), (0.2, 0.5)), ("obovate", (1.3, 2.3), (0.5, 0.8))],
)
def test_simple_blades_have_the_proportions_of_their_definition(shape, ratio, widest):
    for seed in SEEDS:
        points = outline(entire(shape, seed))
        width = np.ptp(points[:, 0])
        assert ratio[0] < np.ptp(points[:, 1]) / width < ratio[1]
        assert widest[0] < points[points[:, 0].argmax(), 1] < widest[1]
        assert points[:, 1].min() > -0.01


def test_cordate_blade_has_lobes_behind_the_stalk_and_is_broad():
    for seed in SEEDS:
        points = outline(entire("cordate", seed))
        assert np.allclose(points[0], 0, atol=0.02)
        assert points[points[:, 0] > 0.02][:, 1].min() < -0.05
        assert np.ptp(points[:, 1]) / np.ptp(points[:, 0]) < 1.7


def test_palmate_blade_has_the_lobes_it_says():
    for seed in SEEDS:
        specimen = entire("palmately lobed", seed)
        half = outline(specimen)[:1200]
        # The middle lobe ends at the tip, which is this half's last point.
        assert peaks(np.hypot(*half.T)) + 1 == specimen.lobes // 2 + 1


def test_pinnate_blade_has_a_sinus_below_every_lobe():
    for seed in SEEDS:
        specimen = entire("pinnately lobed", seed)
        half = outline(specimen)[:1200]
        assert specimen.lobes <= peaks(half[:, 0]) <= specimen.lobes + 1


@pytest.mark.parametrize("margin", ["serrate", "dentate", "crenate"])
def test_teeth_are_as_many_and_as_deep_as_asked(margin):
    line = np.stack([np.zeros(1200), np.linspace(0, 1, 1200)], axis=1)
    toothed = with_margin(line, margin, teeth=15, depth=0.03)
    assert peaks(toothed[:, 0]) == 15
    assert toothed[:, 0].max() == pytest.approx(0.03, rel=0.02)
    assert toothed[:, 0].min() >= -1e-9
    assert np.allclose(toothed[[0, -1]], line[[0, -1]], atol=1e-6)


def test_serrate_teeth_point_to_the_tip_and_dentate_ones_outward():
    line = np.stack([np.zeros(1200), np.linspace(0, 1, 1200)], axis=1)
    serrate = with_margin(line, "serrate", teeth=10, depth=0.03)
    dentate = with_margin(line, "dentate", teeth=10, depth=0.03)
    assert (serrate - line)[:, 1].max() > 0.02
    assert np.abs((dentate - line)[:, 1]).max() < 1e-9


def test_entire_margin_changes_nothing():
    line = np.stack([np.zeros(50), np.linspace(0, 1, 50)], axis=1)
    assert with_margin(line, "entire", teeth=10, depth=0.03) is line


@pytest.mark.parametrize("shape", SHAPES)
def test_palmate_veins_spread_from_the_base_and_pinnate_ones_from_the_midrib(shape):
    specimen = entire(shape, 1)
    primaries = [vein for vein in veins(specimen) if vein.order == 1]
    secondaries = [vein for vein in veins(specimen) if vein.order == 2]
    assert all(np.allclose(vein.points[0], 0) for vein in primaries)
    if specimen.venation == "palmate":
        assert len(primaries) >= 5
    else:
        assert len(primaries) == 1
        assert len(secondaries) == 2 * specimen.veins
        assert all(vein.points[0, 0] == 0 for vein in secondaries)
