"""The page Compare says what `workbench compare` says."""

import json
import shutil

import pytest
from click.testing import CliRunner

from tests.dashboards.screens.driver import open_page, texts
from workbench.cli._group import cli
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.tracking import schema


def on_command_line(*arguments):
    return json.loads(CliRunner().invoke(cli, ["compare", *arguments, "--json"], catch_exceptions=False).stdout)


@pytest.mark.parametrize("metric", [None, "nll"])
def test_compare_shows_the_numbers_of_compare_suite(runs, metric):
    app = open_page("compare", **({"metric": metric} if metric else {}))
    assert not app.exception
    comparison = on_command_line("--suite", "s", *(["--metric", metric] if metric else []))
    rows, expected = app.dataframe[0].value, comparison["comparisons"]
    assert len(expected) == comparison["family_size"] == len(rows) > 3
    for row, pair in zip(rows.to_dict("records"), expected, strict=True):
        assert row["first"].split(" · ")[0] == pair["first"]
        assert row["other"].split(" · ")[0] == pair["other"]
        found = [row[name] for name in (f"difference in {metric or 'accuracy'}", "low", "high", "p (Holm)")]
        assert found == pytest.approx([pair[name] for name in ("difference", "ci_low", "ci_high", "p_corrected")])
        assert pair["sentence"] in texts(app).replace("\\", "")
        assert "2" in row["seeds"] or "linear-probe" not in {pair["first"], pair["other"]}
    assert f"Holm-corrected over the {len(expected)} comparisons of suite s in" in texts(app).replace("\\", "")


def test_compare_of_some_recipes_changes_no_p_value(runs):
    everything = open_page("compare").dataframe[0].value.set_index(["first", "other", "shots"])
    zero = "zero-shot"
    ids = {(run.recipe, run.shots, run.seed): run.run_id for run in runs}
    probe_id, zero_id = ids["linear-probe", "4", 0], ids["zero-shot", "0", 0]
    some = open_page("compare", group=[probe_id, zero_id]).dataframe[0].value.set_index(["first", "other"])
    assert len(some) == 1
    assert some["p (Holm)"].iloc[0] == everything.loc[(*some.index[0], "4"), "p (Holm)"]
    one = open_page("compare", group=[zero_id]).dataframe[0].value
    assert all(zero in (row["first"], row["other"]) for row in one.to_dict("records"))
    assert len(one) == sum(zero in both for both in everything.index)


def test_compare_says_that_a_suite_does_not_compare_other_models_or_shots(
    settings, tiny_model, make_colours, monkeypatch
):
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    entries = (RecipeEntry(recipe="linear-probe", shots=(1,)), RecipeEntry(recipe="gda", shots=(4,)))
    run_suite(Suite(name="t", models=(tiny_model,), datasets=(str(make_colours()),), recipes=entries, baseline=False,
                    figures=False), settings)  # fmt: skip
    app = open_page("compare")
    assert "nothing to compare" in texts(app)
    recipes = next(box for box in app.multiselect if box.label == "recipes")
    app = recipes.select(recipes.options[0]).select(recipes.options[1]).run()
    assert not app.exception
    assert "are not compared" in texts(app)


@pytest.fixture
def pair(runs):
    by_recipe = {run.recipe: run for run in runs if run.status == "finished" and run.shots in {"0", "4"}}
    return by_recipe["linear-probe"], by_recipe["zero-shot"]


VIEWS = ("agreement", "classes", "confusion", "calibration", "images")


@pytest.mark.parametrize("view", VIEWS)
def test_two_recipes_side_by_side_say_that_they_are_one_seed(runs, view):
    app = open_page("compare", view=view)
    box = next(box for box in app.selectbox if box.label == "in detail")
    app = box.select(next(name for name in box.options if "4 shots" in name and "zero-shot" in name)).run()
    assert not app.exception
    detail = app.query_params["detail"]
    app = open_page("compare", view=view, detail=detail, seed="1")
    assert not app.exception
    assert "seed 1" in texts(app)
    assert "one of 2 seeds" in texts(app)
    if view == "classes":
        assert "is the mean of 2 seeds" in texts(app)


@pytest.mark.parametrize("view", VIEWS)
def test_single_runs_show_what_the_command_line_prints_and_say_that_they_are_one_seed(pair, store, view):
    app = open_page("compare", by="runs", run=[run.run_id for run in pair], view=view)
    assert not app.exception
    (expected,) = on_command_line(*(run.run_id for run in pair))
    row = app.dataframe[0].value.iloc[0]
    assert row["difference in accuracy"] == pytest.approx(expected["difference"]["value"])
    assert row["p (Holm)"] == pytest.approx(expected["p_corrected"])
    assert expected["sentence"] in texts(app).replace("\\", "")
    assert "one of 2 seeds" in expected["sentence"]
    assert "compare --suite s" in texts(app).replace("\\", "")


def test_compare_without_two_runs_says_so(runs):
    assert "Pick two" in open_page("compare", by="runs").info[0].value


def test_compare_refuses_runs_of_other_items(own_runs, settings, tiny_model, make_colours):
    one = next(run for run in own_runs if run.recipe == "zero-shot")
    other = make_colours(test=4)
    shutil.rmtree(other / "test" / "red")
    suite = Suite(name="t", models=(tiny_model,), datasets=(str(other),), baseline=False, figures=False,
                  recipes=(RecipeEntry(recipe="zero-shot"),))  # fmt: skip
    (run,) = run_suite(suite, settings)
    app = open_page("compare", by="runs", run=[one.run_id, run.run_id])
    assert not app.exception
    assert "cannot be compared" in app.warning[0].value


def test_a_suite_whose_predictions_are_gone_is_one_sentence(own_runs, settings):
    for run in own_runs:
        if run.status == "finished":
            FinishedRun(run, settings).artifact(schema.PREDICTIONS).unlink()
    app = open_page("compare")
    assert not app.exception
    assert "is missing" in app.warning[0].value.replace("\\", "")
