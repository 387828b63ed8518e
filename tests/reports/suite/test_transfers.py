"""Sources by targets in everything that shows a suite."""

import json

import pytest

from tests.runs.comparisons.conftest import Suite
from workbench.reports import render
from workbench.reports.suite import suite_json, suite_text, write_report
from workbench.runs.comparisons.transfers import transfer_matrices
from workbench.tracking import schema


@pytest.fixture
def suite():
    """A probe fitted on trees and tested on ferns and <mosses>, with zero-shot everywhere."""
    suite = Suite()
    for dataset, zero, signal in (("trees", 0.5, 2.6), ("ferns!", 2.5, 0.4), ("<mosses>", 0.2, 2.0)):
        suite.write("zero-shot", signal=zero, dataset=dataset, shots="0")
        home = dataset == "trees"
        tags = {} if home else {schema.TRAINED_ON: "trees", schema.SOURCE_FINGERPRINT: "trees"}
        suite.write("probe", signal=signal, dataset=dataset, label="probe" if home else "probe from trees", tags=tags)
    return suite


def cells_of(suite):
    (matrix,) = transfer_matrices(suite.comparison())
    return next(row.cells for row in matrix.rows if row.source == "trees")


def test_the_terminal_and_both_documents_have_the_matrix(suite, tmp_path):
    comparison = suite.comparison()
    write_report(comparison, tmp_path)
    pages = (
        suite_text(comparison, width=250), (tmp_path / "report.md").read_text("utf-8"),
        (tmp_path / "report.html").read_text("utf-8"),
    )  # fmt: skip
    cells = cells_of(suite)
    gain, gap = cells["ferns!"].against, cells["ferns!"].gap
    for page in pages:
        assert "probe from trees" in page
        assert "▼" in page
        assert "▲" in page
        assert "(in-domain)" in page
        for number in (gain.value, gain.low, gap.value, gap.high):
            assert f"{100 * number:+.1f}" in page
    assert "<mosses>" not in pages[2]
    assert "&lt;mosses&gt;" in pages[2]


def test_a_part_is_shown_where_a_part_is_asked_for(suite):
    text = suite_text(suite.comparison(), {"dataset": ["ferns!"]}, width=250)
    part = text.partition("From where it was fitted")[2].partition("Gap:")[0]
    assert "ferns!" in part
    assert "mosses" not in part
    alone = suite_text(suite.comparison(), {"recipe": ["zero-shot"]}, width=250)
    assert "From where it was fitted" not in alone


def test_json_has_each_cell(suite):
    content = json.loads(suite_json(suite.comparison()))
    found = {(cell["source"], cell["target"]): cell for cell in content["transfers"]}
    assert set(found) == {("trees", "trees"), ("trees", "ferns!"), ("trees", "<mosses>")}
    cells = cells_of(suite)
    ferns = found["trees", "ferns!"]
    assert ferns["against_zero_shot"]["value"] == pytest.approx(cells["ferns!"].against.value)
    assert ferns["gap"]["ci_high"] == pytest.approx(cells["ferns!"].gap.high)
    assert (ferns["against_zero_shot"]["decided"], ferns["in_domain"], ferns["recipe"]) == (True, False, "probe")
    assert found["trees", "trees"]["gap"] is None


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_results_have_it_with_plain_differences(suite, form):
    accuracy = {(run.dataset, run.recipe): run.metrics["accuracy"] for run in suite.runs}
    text = render([run.to_dict() for run in suite.runs], form, width=250).replace("$\\pm$", "±")
    table = text.partition("Fitted and tested")[2]
    for dataset in ("trees", "ferns!", "<mosses>"):
        value, zero = accuracy[dataset, "probe"], accuracy[dataset, "zero-shot"]
        assert f"{100 * value:.1f}, {100 * (value - zero):+.1f}" in table
    assert "so much above zero-shot" in table


def test_without_transfers_results_have_no_such_table(suite):
    plain = [run.to_dict() for run in suite.runs if not run.trained_on]
    assert "Fitted and tested" not in render(plain, "table")
    assert "trained_on" not in render(plain, "csv")
