"""The page Transfer says what `workbench compare --suite` says."""

import json

import pytest
from click.testing import CliRunner

from tests.dashboards.screens.driver import open_page, texts
from tests.runs.places import write_domains, write_place
from workbench.cli._group import cli
from workbench.runs import Suite, run_suite
from workbench.settings import Settings

THREE = ("red", "green", "blue")


@pytest.fixture(scope="module")
def transfers(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("transfers")
    sunny = write_place(folder / "sunny", {name: name for name in THREE})
    dusky = write_place(folder / "dusky", {name: name for name in THREE}, light=0.3, seed=1)
    sites = write_domains(folder / "sites", {"A": 1.0, "B": 0.3}, THREE)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite = Suite.model_validate({
        "name": "moves", "models": [tiny_model], "figures": False,
        "recipes": [{"recipe": "zero-shot"}, {"recipe": "nearest-class-mean"}],
        "transfer": [
            {"source": str(sunny), "targets": [str(dusky)]}, {"dataset": str(sites), "domains": "leave-one-out"},
        ],
    })  # fmt: skip
    assert {run.status for run in run_suite(suite, settings)} == {"finished"}
    return settings


@pytest.fixture
def shown(transfers, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(transfers.cache))
    monkeypatch.setenv("WORKBENCH_RUNS", str(transfers.runs))
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")


@pytest.mark.parametrize("targets", [{"sunny", "dusky"}, {"sites-a", "sites-b"}], ids=["datasets", "domains"])
def test_it_shows_each_cell_of_the_comparison(shown, targets):
    app = open_page("transfer")
    box = next(box for box in app.selectbox if box.label == "datasets")
    app = box.select(next(name for name in box.options if all(target in name for target in targets))).run()
    assert not app.exception
    rows = app.dataframe[0].value.to_dict("records")
    printed = CliRunner().invoke(cli, ["compare", "--suite", "moves", "--json"], catch_exceptions=False).stdout
    expected = [cell for cell in json.loads(printed)["transfers"] if cell["target"] in targets]
    assert len(expected) == (2 if "sunny" in targets else 4)
    for cell in expected:
        name = f"{cell['recipe']} from {cell['source']}"
        row = next(row for row in rows if (row["fitted"], row["tested on"]) == (name, cell["target"]))
        assert (row["accuracy"], row["low"], row["high"]) == pytest.approx(
            (cell["mean"], cell["ci_low"], cell["ci_high"])
        )
        against, gap = cell["against_zero_shot"], cell["gap"]
        assert row["against zero-shot"] == pytest.approx(against["value"])
        assert row["shown by the test"] == ("yes" if against["decided"] else "no")
        if gap is not None:
            assert (row["gap to in-domain"], row["high  "]) == pytest.approx((gap["value"], gap["ci_high"]))
    assert "Holm-corrected" in texts(app).replace("\\", "")


def test_pictures_of_a_domain_are_found(shown):
    app = open_page("errors", dataset="sites-b")
    assert not app.exception
    assert "has changed since" not in texts(app)


def test_a_store_without_transfers_says_how_to_make_some(runs):
    app = open_page("transfer")
    assert not app.exception
    assert "[[transfer]]" in texts(app).replace("\\", "")
