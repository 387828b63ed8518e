"""Learning curves of a suite's recipes."""

import math
import re

import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.metrics.learning_curve import fit_power_law
from workbench.metrics.measured import measure_items
from workbench.reports.suite.learning import learning_blocks, learning_text
from workbench.reports.suite.selection import select
from workbench.runs.comparisons.learning import check_target


@pytest.fixture
def grown(suite):
    """A probe that gets better with shots, one that does not, and what has no curve."""
    suite.write("zero-shot", signal=0.5, shots="0", train_images=0.0, n=400)
    suite.write("majority-class", signal=0.0, shots="all", model="none", n=400)
    for seed in range(3):
        for shots, signal in ((1, 0.6), (2, 1.0), (4, 1.5), (8, 2.1), (16, 2.8)):
            suite.write("probe", signal=signal, shots=str(shots), seed=seed, train_images=3.0 * shots, n=400)
            suite.write("flat", signal=1.0, shots=str(shots), seed=seed, train_images=3.0 * shots, n=400)
    return suite


def curve_of(suite, label, metric=None):
    return next(curve for curve in suite.comparison(metric).curves if curve.label == label)


def test_each_recipe_with_shots_has_a_curve(grown):
    curves = grown.comparison().curves
    assert {curve.label for curve in curves} == {"probe", "flat"}
    probe = curve_of(grown, "probe")
    assert [entry.group.train_images for entry in probe.entries] == [3, 6, 12, 24, 48]
    assert probe.classes == 3
    ahead = probe.at(96)
    assert probe.entries[-1].estimate.value < ahead.value < 1
    assert ahead.low < ahead.value < ahead.high
    assert probe.held_back.measured == probe.entries[-1].estimate.value
    assert not probe.has_few_seeds


def test_the_law_is_fitted_to_errors_over_seeds_and_items_drawn_together(grown):
    curve, measured = curve_of(grown, "probe"), []
    for entry in curve.entries:
        predictions = [grown.predictions[run.run_id] for run in entry.group.runs]
        wrong = np.stack([each.scores.argmax(axis=1) != each.labels for each in predictions])
        measured.append(measure_items(wrong, metric="error"))
    errors, replicates = [each.value for each in measured], np.stack([each.replicates for each in measured])
    law = fit_power_law([3, 6, 12, 24, 48], errors, np.cov(replicates))
    for images in (12, 96, 480):
        expected, found = law.at(images), curve.at(images)
        ends = (1 - found.value, 1 - found.high, 1 - found.low)
        assert ends == pytest.approx((expected.value, expected.low, expected.high), abs=1e-6)


def test_a_recipe_that_does_not_get_better_has_no_target_in_sight(grown):
    flat = curve_of(grown, "flat")
    assert math.isinf(flat.images_for(0.95).value)
    text = learning_text(flat, [0.95])
    assert re.search(r"to reach 95.0 %: not in sight; at 1,600 images a class expect \d\d\.\d % \[", text)


def test_metrics_of_which_less_is_better_fall(grown):
    probe = curve_of(grown, "probe", "nll")
    ahead = probe.at(96)
    assert 0 < ahead.low < ahead.value < probe.entries[-1].estimate.value
    assert probe.images_for(0.3).value > probe.images_for(0.5).value


def test_shots_that_bring_no_images_are_no_points(suite):
    for shots in (1, 2, 4, 8):
        suite.write("probe", shots=str(shots), train_images=min(12.0, 3.0 * shots))
    curve = curve_of(suite, "probe")
    assert [entry.run.shots for entry in curve.entries] == ["1", "2", "4"]
    assert curve.law is None
    assert "no forecast: a curve needs 4 different numbers of training images, and there are 3" in learning_text(
        curve, []
    )
    assert learning_blocks([curve]) == []


def test_one_seed_is_said_to_be_few(suite):
    for shots in (1, 2, 4, 8):
        suite.write("probe", signal=0.5 + 0.2 * shots, shots=str(shots), train_images=3.0 * shots)
    curve = curve_of(suite, "probe")
    assert curve.held_back is None
    assert "fewer than three seeds" in learning_text(curve, [])


def test_a_target_in_words(grown):
    probe = curve_of(grown, "probe")
    text = learning_text(probe, [probe.entries[3].estimate.value])
    low, high = map(float, re.search(r"expect ([\d.]+) to ([\d.]+) images a class \(most likely", text).groups())
    assert low < 8 < high
    assert "measured by images a class: 1: " in text
    assert "images a class; measured" in text


def test_a_curve_that_misses_its_own_largest_number_says_so(suite):
    for seed in range(3):
        for shots, signal in ((1, 0.6), (2, 1.0), (4, 1.5), (8, 2.1), (16, 0.0)):
            suite.write("probe", signal=signal, shots=str(shots), seed=seed, train_images=3.0 * shots, n=400)
    curve = curve_of(suite, "probe")
    assert not curve.held_back.is_met
    assert "is outside: do not rely on this curve" in learning_text(curve, [])


def test_of_captions_there_is_no_class(grown):
    probe = curve_of(grown, "probe")
    bare = type(probe)(probe.entries, None, probe.law, probe.held_back)
    assert "measured by images: 3: " in learning_text(bare, [])
    assert "at 96 images" in learning_text(bare, [])


def test_filters_choose_curves(grown):
    assert {curve.label for curve in select(grown.comparison(), {"recipe": ["flat"]}).curves} == {"flat"}


def test_a_target_that_the_metric_cannot_have_is_refused():
    with pytest.raises(WorkbenchError, match=r"--target 90: accuracy lies between 0 and 1 \(a share: 0.9 is 90 %\)"):
        check_target("accuracy", 90)


def test_the_report_has_a_row_a_curve(grown):
    table, legend = learning_blocks(grown.comparison().curves)
    assert [row[0].text for row in table.rows] == ["flat", "probe"]
    assert table.header[1:4] == ("images", "at 2x", "at 4x")
    assert all(re.fullmatch(r"\d\d\.\d % \[.*\]", row[2].text) for row in table.rows)
    assert "power laws" in legend.text
