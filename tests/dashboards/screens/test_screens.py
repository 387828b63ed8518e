"""Every page, run for real by Streamlit's own test driver, on a store with runs of each status."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboards.few_shot import write_few_shot
from tests.dashboards.screens.driver import APP, PAGES, leaderboard, open_page, texts
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.tracking import RunRecorder, open_store, schema

PARAMS = ("model", "dataset", "field", "task", "recipe", "shots", "seed")


def test_an_empty_store_says_what_to_do():
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert "workbench run quickstart" in app.info[0].value


def test_an_unreachable_server_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert "does not answer" in app.error[0].value


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_and_says_which_runs_it_shows(runs, page):
    app = open_page(page)
    assert not app.exception
    assert page == "compare" or " of s, made " in texts(app)


def test_overview_shows_the_stores_values_best_first(runs):
    app = open_page("overview")
    shown = leaderboard(app)
    finished = [run for run in runs if run.status == "finished"]
    zero = next(run for run in finished if run.recipe == "zero-shot")
    row = shown[shown["recipe"] == "zero-shot"].iloc[0]
    assert row["accuracy"] == pytest.approx(zero.metrics["accuracy"])
    assert row["low"] == pytest.approx(zero.metrics["accuracy_ci_low"])
    assert shown["accuracy"].is_monotonic_decreasing
    assert shown[shown["recipe"] == "linear-probe"]["seeds"].tolist() == [2, 2]


def test_overview_gives_the_reason_of_what_failed(runs):
    failed = open_page("overview").dataframe[-1].value
    assert failed["status"].tolist() == ["failed"]
    assert "matches no linear layer" in failed["reason"][0]


def test_overview_filters_by_choice_and_by_address(runs):
    app = open_page("overview")
    recipe = next(each for each in app.sidebar.multiselect if each.label == "recipe")
    app = recipe.select("zero-shot").run()
    assert set(leaderboard(app)["recipe"]) == {"zero-shot"}
    again = open_page("overview", only_recipe="zero-shot")
    assert set(leaderboard(again)["recipe"]) == {"zero-shot"}


def test_runs_that_are_going_are_shown_as_such(settings):
    params = dict.fromkeys(PARAMS, "x") | {"seed": 0}
    RunRecorder.begin(open_store(settings), "s", "r", params, {schema.RUN_KEY: "k"})
    app = open_page("overview")
    assert "None of these runs is finished yet" in app.info[0].value
    assert app.dataframe[0].value["status"].tolist() == ["running"]
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception


@pytest.mark.parametrize("page", ["shots", "cost"])
def test_one_suite_at_a_time_is_drawn(settings, page):
    for suite in ("first", "second"):
        write_few_shot(settings, suite=suite, recipes=("gda",), shots=(1,), seeds=(0,))
    for query in ({}, {"suite": "first"}):
        app = open_page(page, **query)
        assert not app.exception
        assert f" of {query.get('suite', 'second')}, made " in texts(app)
        recipes = app.dataframe[0].value["recipe"].tolist()
        assert len([name for name in recipes if name.startswith("gda")]) == 1


@pytest.mark.parametrize("page", ["overview", "cost"])
def test_leaderboards_leave_older_states_out_and_say_so(settings, tmp_path, page):
    empty = tmp_path / "empty"
    empty.mkdir()
    for state, accuracy in (("old", 0.9), ("new", 0.2)):
        params = dict.fromkeys(PARAMS, "x") | {"task": "classification", "shots": 0, "seed": 0}
        tags = {schema.RUN_KEY: state, "dataset.fingerprint": state}
        recorder = RunRecorder.begin(open_store(settings), "s", "r", params, tags)
        recorder.finish({"accuracy": accuracy, "train_seconds": 1.0}, {}, empty)
    app = open_page(page)
    assert not app.exception
    assert app.dataframe[0].value["accuracy"].tolist() == [0.2]
    assert "1 of 2 runs is left out" in texts(app)
    assert "made on another state of dataset, model or recipe" in texts(app)


@pytest.fixture
def wrong(runs):
    """A run with mistakes."""
    return next(run for run in runs if run.recipe == "majority-class")


def opener(app):
    """The button that opens the first item in full."""
    return next(button for button in app.button if button.key.startswith("open "))


def shown_items(app):
    return int(next(c.value for c in app.caption if "mistakes first" in c.value).split()[0])


def test_errors_filters_by_class_and_by_right_and_wrong(wrong):
    app = open_page("errors", run=wrong.run_id)
    everything = shown_items(app)
    assert texts(app).count("✗ wrong") == everything == 16
    true = next(box for box in app.selectbox if box.label == "true class")
    app = true.select(true.options[1]).run()
    assert not app.exception
    assert shown_items(app) < everything
    app = open_page("errors", run=wrong.run_id, show="all")
    assert shown_items(app) == 24
    app = open_page("errors", run=wrong.run_id, show="right")
    assert texts(app).count("✓ right") == 8


def test_each_part_has_its_share_of_right_ones(wrong):
    app = open_page("errors", run=wrong.run_id)
    rows = app.dataframe[-1].value
    assert sorted(rows["right"]) == [0.0, 0.0, 1.0]
    assert rows["items"].tolist() == [8, 8, 8]


def test_an_item_opens_in_full_and_leads_to_the_next(wrong):
    app = open_page("errors", run=wrong.run_id, size="24")
    app = opener(app).click().run()
    assert not app.exception
    first = app.text_input[0].value
    answers = app.dataframe[0].value
    assert answers[answers["mark"].str.contains("right")]["answer"].tolist() == [first.split("/")[1]]
    app = next(button for button in app.button if button.label == "next").click().run()
    assert app.text_input[0].value not in {first, ""}
    app = next(button for button in app.button if button.label == "previous").click().run()
    assert app.text_input[0].value == first
    app = next(button for button in app.button if button.label == "all items").click().run()
    assert shown_items(app) == 16


def test_suspect_labels_are_a_choice_where_there_are_any(runs):
    probe = next(run for run in runs if run.recipe == "linear-probe")
    app = open_page("errors", run=probe.run_id, show="suspect labels")
    assert not app.exception
    box = next(box for box in app.selectbox if box.label == "show")
    if "suspect labels" in box.options:
        assert "confident learning" in texts(app)
    else:
        assert "which is not here" in texts(app)


def test_an_item_that_is_not_there_is_one_sentence(wrong):
    app = open_page("errors", run=wrong.run_id, item="nowhere.png")
    assert not app.exception
    assert "no test item 'nowhere.png'" in app.info[-1].value.replace("\\", "")


def test_values_of_a_part_stand_side_by_side(wrong):
    app = open_page("errors", run=wrong.run_id, beside="true class")
    assert not app.exception
    assert len({each.value for each in app.subheader}) == 2, "one class has no mistakes"
    assert "0 of 8 items right" in texts(app)
    assert "Shown are 5 of 8" in texts(app)


def test_nearest_training_images_on_request(wrong):
    app = open_page("errors", run=wrong.run_id)
    app = opener(app).click().run()
    app = app.toggle[0].set_value(True).run()
    assert not app.exception
    assert "By cosine of the base model" in texts(app)


def test_a_missing_artifact_is_one_sentence(own_runs, settings):
    for run in own_runs:
        if run.status == "finished":
            FinishedRun(run, settings).artifact(schema.PREDICTIONS).unlink()
    app = open_page("errors")
    assert not app.exception
    assert "is missing" in app.info[0].value.replace("\\", "")


def test_a_dataset_that_is_gone_costs_the_pictures_alone(own_runs, tmp_path):
    shutil.rmtree(tmp_path / "colours")
    app = open_page("errors", run=next(run.run_id for run in own_runs if run.recipe == "majority-class"))
    assert not app.exception
    assert any("No pictures" in info.value for info in app.info)
    assert "cannot be opened here" in texts(open_page("data"))


def test_pictures_are_found_under_pseudonyms(settings, tiny_model, make_colours, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    folder = make_colours()
    for path in list(folder.rglob("*.png")):
        path.rename(path.with_name(f"smith {path.name}"))
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(folder),), figures=False,
                  recipes=(RecipeEntry(recipe="zero-shot"),))  # fmt: skip
    runs = run_suite(suite, settings.model_copy(update={"hash_ids": True}))
    for page, query in (("errors", {"run": runs[0].run_id}), ("data", {})):
        app = open_page(page, **query)
        assert not app.exception
        assert "smith" not in texts(app)
        names = " ".join(button.help for button in app.button).replace("\\", "")
        assert "smith" not in names
        assert ("id-" in names) == (page == "errors")  # Samples have no names.
        assert "No pictures" not in texts(app)
        assert "has no item" not in texts(app)
    (settings.cache / "pseudonyms" / "key").unlink()
    import streamlit as st

    st.cache_resource.clear()
    assert "copy that file from the machine where the run was made" in texts(open_page("data")).replace("\\", "")


def test_a_map_is_drawn_of_stored_features(runs):
    app = open_page("map", method="PCA", colour="right or wrong")
    assert not app.exception
    assert "principal components" in texts(app)
    assert "no stored features" not in texts(app)


def test_a_map_says_what_has_no_stored_features(runs, monkeypatch, tmp_path):
    empty = FeatureStore(tmp_path / "empty")
    monkeypatch.setattr(FeatureStore, "of", lambda _: empty)
    app = open_page("map", method="PCA")
    assert not app.exception
    assert "24 images of this split have no stored features" in texts(app)


def test_search_finds_by_words_and_by_image_and_asks_before_it_computes(runs):
    app = open_page("search")
    assert "24 images can be searched" in texts(app)
    app = app.text_input[0].set_value('2 "a red thing" - "a blue thing"').run()
    assert not app.exception
    assert len(app.button) == 18
    app = app.button[0].click().run()
    assert not app.exception
    assert "Nearest sentences" in texts(app)


def test_data_checks_on_request(runs):
    app = open_page("data")
    assert not app.code[-1].value.startswith("Dataset")
    app = app.toggle[0].set_value(True).run()
    assert app.code[-1].value.startswith("Dataset colours")


def test_names_from_data_are_not_markup(settings, tiny_model, make_colours, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    folder, evil = make_colours(), "*x* [y](http:__z) <img src=x onerror=alert(1)>"
    for split in ("train", "val", "test"):
        (folder / split / "red").rename(folder / split / evil)
    suite = Suite(name="<b>s</b>", models=(tiny_model,), datasets=(str(folder),), baseline=False, figures=False,
                  recipes=(RecipeEntry(recipe="zero-shot"),))  # fmt: skip
    (run,) = run_suite(suite, settings)
    assert run.status == "finished"
    for page in ("overview", "errors", "data"):
        app = open_page(page)
        assert not app.exception
        for kind in (app.markdown, app.caption):
            for element in kind:
                assert "<img" not in element.value.replace("\\<", "")
                assert "*x*" not in element.value
                assert "<b>" not in element.value.replace("\\<", "")


def test_the_session_refuses_a_dataset_that_has_changed(own_runs, settings, tmp_path):
    from dashboards.runs import snapshot
    from dashboards.session import Session

    (tmp_path / "colours" / "test" / "red" / "0.png").unlink()
    session = Session(settings, snapshot(settings))
    with pytest.raises(WorkbenchError, match="has changed"):
        session.dataset_of(session.finished[0])
