"""A view is in its page's address: in ids, with words for what is not there."""

import pytest

from tests.dashboards.screens.driver import open_page, texts


def by_recipe(runs, recipe, shots="4", seed=0):
    return next(run for run in runs if (run.recipe, run.shots, run.seed) == (recipe, shots, seed))


def test_a_choice_is_written_as_an_id_and_read_again(runs):
    app = open_page("errors")
    box = next(box for box in app.selectbox if box.label == "run")
    probe = by_recipe(runs, "linear-probe", shots="1")
    app = box.select(next(name for name in box.options if name.endswith(probe.run_id[:8]))).run()
    assert app.query_params["run"] == probe.run_id
    again = open_page("errors", run=probe.run_id)
    assert next(box for box in again.selectbox if box.label == "run").value == probe.run_id
    assert probe.run_id[:8] in texts(again)


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one(runs):
    probe = by_recipe(runs, "linear-probe")
    app = open_page("errors", run=probe.run_id[:12])
    assert next(box for box in app.selectbox if box.label == "run").value == probe.run_id
    assert not app.warning


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        ("errors", {"run": "feedfacefeedface"}, "asks for the run feedfacefeedface, which is not here"),
        ("overview", {"dataset": "elsewhere"}, "asks for the dataset elsewhere, which is not here; this is colours"),
        (
            "overview",
            {"only_recipe": ["gda", "zero-shot"]},
            "asks for the recipe gda, which is not here; it is left out",
        ),
        ("compare", {"suite": "lost"}, "asks for the suite lost"),
    ],
)
def test_what_is_not_there_is_said(runs, page, query, said):
    app = open_page(page, **query)
    assert not app.exception
    assert said in texts(app).replace("\\", "")


def test_another_dataset_drops_the_run_and_the_page(settings, tiny_model, write_colours, tmp_path, monkeypatch):
    from workbench.runs import RecipeEntry, Suite, run_suite

    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    folders = [write_colours(tmp_path / name) for name in ("older", "newer")]
    suite = Suite(name="s", models=(tiny_model,), datasets=tuple(map(str, folders)), figures=False,
                  recipes=(RecipeEntry(recipe="zero-shot"),))  # fmt: skip
    older = next(run for run in run_suite(suite, settings) if run.dataset == "older")
    # A run alone opens its dataset; without one it is the one last worked on.
    app = open_page("errors", run=older.run_id)
    assert app.query_params["dataset"] == "older"
    assert next(box for box in app.selectbox if box.label == "dataset").value == "older"
    box = next(box for box in open_page("errors").selectbox if box.label == "dataset")
    assert (box.value, box.options) == ("newer", ["newer", "older"])
    box = next(box for box in app.selectbox if box.label == "dataset")
    app = box.select("newer").run()
    assert not app.exception
    assert not app.warning
    assert app.query_params["dataset"] == "newer"
    assert "run" not in app.query_params


def test_a_new_sentence_after_like_this_is_searched(runs):
    app = open_page("search", q="a red thing")
    app = app.button[0].click().run()
    assert "Nearest sentences" in texts(app)
    app = app.text_input[0].set_value("a blue thing").run()
    assert not app.exception
    assert "Nearest sentences" not in texts(app)
    assert "like" not in app.query_params
    assert app.query_params["q"] == "a blue thing"
