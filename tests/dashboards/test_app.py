"""The dashboard, run for real by Streamlit's own test driver, shows what the store holds."""

import pytest
from streamlit.testing.v1 import AppTest

import dashboards
from dashboards.overview import leaderboard
from workbench.runs import RecipeEntry, Suite, run_suite

APP = f"{next(iter(dashboards.__path__))}/app.py"


def test_an_empty_store_says_what_to_do():
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert "workbench run quickstart" in app.info[0].value


@pytest.fixture
def runs(settings, tiny_model, make_colours):
    entries = tuple(RecipeEntry(recipe=name) for name in ("zero-shot", "linear-probe"))
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(make_colours()),), recipes=entries, figures=False)
    return run_suite(suite, settings)


def test_overview_shows_the_stores_values_best_first(runs):
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    shown = app.dataframe[0].value
    values = {run.recipe: run.metrics["accuracy"] for run in runs}
    assert shown["recipe"][0] == "linear-probe"
    assert dict(zip(shown["recipe"], shown["accuracy"], strict=True)) == pytest.approx(values)
    app.sidebar.multiselect[4].select("zero-shot").run()
    assert list(app.dataframe[0].value["recipe"]) == ["zero-shot"]


def test_leaderboard_ranks_losses_upwards(runs):
    assert leaderboard(runs, "nll")["nll"].is_monotonic_increasing
