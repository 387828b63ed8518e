"""Sources by targets out of a suite's comparison."""

import numpy as np
import pytest

from workbench.metrics import compare_paired
from workbench.runs.comparisons.transfers import transfer_matrices
from workbench.tracking import schema


def moved(source, fingerprint=None, **more):
    return {schema.TRAINED_ON: source, schema.SOURCE_FINGERPRINT: fingerprint or source, **more}


@pytest.fixture
def across(suite):
    """A probe fitted on trees and tested on ferns, where it is worse than zero-shot, and on mosses, where better."""
    suite.write("zero-shot", signal=0.5, dataset="trees", shots="0")
    suite.write("probe", signal=2.6, dataset="trees")
    for target, zero, signal in (("ferns!", 2.5, 0.5), ("mosses", 0.2, 2.0)):
        suite.write("zero-shot", signal=zero, dataset=target, shots="0")
        suite.write("probe", signal=signal, dataset=target, label="probe from trees", tags=moved("trees"))
    return suite


def test_sources_stand_against_targets(across):
    (matrix,) = transfer_matrices(across.comparison())
    assert (matrix.model, matrix.targets) == ("m", ("trees", "ferns!", "mosses"))
    rows = {(row.recipe, row.source): row.cells for row in matrix.rows}
    assert {key: set(cells) for key, cells in rows.items()} == {
        ("zero-shot", ""): {"trees", "ferns!", "mosses"}, ("probe", "trees"): {"trees", "ferns!", "mosses"},
    }  # fmt: skip
    cells = rows["probe", "trees"]
    assert [cells[name].is_in_domain for name in matrix.targets] == [True, False, False]
    for cell in rows["zero-shot", ""].values():
        assert (cell.against, cell.gap) == (None, None)


def test_a_cell_has_what_it_gained_or_lost_against_zero_shot_on_its_images(across):
    comparison = across.comparison()
    (matrix,) = transfer_matrices(comparison)
    cells = next(row.cells for row in matrix.rows if row.source == "trees")
    zero = next(row.cells for row in matrix.rows if not row.source)
    for target, sign in (("trees", 1), ("ferns!", -1), ("mosses", 1)):
        runs = [each[target].entry.run.run_id for each in (cells, zero)]
        scores = [across.predictions[run].scores for run in runs]
        alone = compare_paired(*scores, across.predictions[runs[0]].labels)
        against = cells[target].against
        assert (against.value, against.low, against.high) == pytest.approx((alone.value, alone.low, alone.high))
        assert np.sign(against.value) == sign
        assert against.is_evident


def test_the_gap_is_in_domain_minus_here(across):
    (matrix,) = transfer_matrices(across.comparison())
    cells = next(row.cells for row in matrix.rows if row.source == "trees")
    assert cells["trees"].gap is None
    home = cells["trees"].entry.estimate
    for target in ("ferns!", "mosses"):
        there, gap = cells[target].entry.estimate, cells[target].gap
        assert gap.value == pytest.approx(home.value - there.value)
        assert gap.low == pytest.approx(gap.value - np.hypot(home.value - home.low, there.high - there.value))
        assert gap.high == pytest.approx(gap.value + np.hypot(home.high - home.value, there.value - there.low))
    assert cells["ferns!"].gap.is_evident


def test_between_domains_the_gap_is_of_the_same_images(suite):
    for site, inside, outside in (("sites-a", 2.6, 0.4), ("sites-b", 1.5, 1.5)):
        suite.write("zero-shot", signal=0.5, dataset=site, shots="0")
        suite.write("probe", signal=inside, dataset=site)
        suite.write("probe", signal=outside, dataset=site, label="probe from other domains", seed=1,
                    tags=moved("other domains", f"but {site}"))  # fmt: skip
    comparison = suite.comparison()
    (matrix,) = transfer_matrices(comparison)
    assert set(matrix.targets) == {"sites-a", "sites-b"}
    assert [(row.recipe, row.source) for row in matrix.rows] == [
        ("zero-shot", ""), ("probe", "all domains"), ("probe", "other domains"),
    ]  # fmt: skip
    outside = matrix.rows[2].cells
    for site in matrix.targets:
        pair = next(pair for pair in comparison.pairs if pair.first.run.dataset == site
                    and "zero-shot" not in (pair.first.group.label, pair.other.group.label))  # fmt: skip
        assert outside[site].gap.value == pytest.approx(abs(pair.difference.value), abs=0.2)
        assert outside[site].gap.is_evident == pair.decided
    assert outside["sites-a"].gap.is_evident
    assert outside["sites-a"].gap.value > 0.2


def test_transfers_that_share_no_dataset_are_apart(across):
    across.write("probe", signal=2.0, dataset="corals")
    across.write("probe", signal=1.0, dataset="sponges", label="probe from corals", tags=moved("corals"))
    found = {matrix.targets for matrix in transfer_matrices(across.comparison())}
    assert found == {("corals", "sponges"), ("trees", "ferns!", "mosses")}


def test_other_classes_have_no_gap_and_without_transfers_there_is_no_matrix(suite, planted):
    suite.write("probe", signal=2.0, dataset="corals")
    tags = moved("corals", **{schema.SCORES_BY_TEXT: "true"})
    suite.write("probe", signal=1.0, dataset="sponges", label="probe from corals", tags=tags)
    (matrix,) = transfer_matrices(suite.comparison())
    assert matrix.rows[0].cells["sponges"].gap is None
    assert transfer_matrices(planted.comparison()) == []
