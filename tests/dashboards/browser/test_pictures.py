"""Takes the pictures of the documentation, one of every page, where they are asked for (`nox -s pictures`)."""

import os
from pathlib import Path

import pytest

from tests.dashboards.browser.test_browser import keep
from workbench.runs import load_suite, run_suite

pytestmark = [
    pytest.mark.slow,
    # By a mark, so that no run is made for pictures that nobody asks for.
    pytest.mark.skipif("WORKBENCH_SCREENSHOTS" not in os.environ, reason="WORKBENCH_SCREENSHOTS is not set"),
]
SUITES = [Path(__file__).with_name(name) for name in ("transfers.toml", "pictures.toml")]
VIEWS = {
    "transfer": ("transfer", 900),
    "shots": ("shots?dataset=leaf-morphology", 900),
    "cost": ("cost?dataset=leaf-morphology", 900),
    "run": ("run?dataset=leaf-morphology", 900),
    "errors": ("errors?dataset=leaf-morphology", 1000),
    "grounding": ("errors?dataset=tabletop-grounding", 1000),
    "matching": ("errors?dataset=tabletop-matching&layout=list", 900),
    "retrieval": ("errors?dataset=tabletop-captions&direction=text_to_image", 1000),
    "captioning": ("errors?dataset=tabletop-captioning&layout=list", 900),
    "map": ("map?dataset=leaf-morphology", 1000),
    "search": ("search?dataset=tabletop&q=a+photo+of+a+red+cup", 900),
    "data": ("data?dataset=leaf-morphology", 1000),
}


@pytest.fixture(scope="module")
def more_runs(quickstart):
    """Runs of the other tasks, and of more shots and seeds, in the store of quickstart."""
    settings, _ = quickstart
    for suite in SUITES:
        assert {run.status for run in run_suite(load_suite(str(suite)), settings)} == {"finished"}


@pytest.mark.parametrize("name", VIEWS)
def test_take_a_picture(more_runs, address, open_tab, pictures, name):
    path, height = VIEWS[name]
    keep(open_tab(address).open(path), pictures, name, height)
