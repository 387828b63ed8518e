"""The first screen's answer, and the page of one run, against the command line and the store."""

import json

import pytest
from click.testing import CliRunner

from tests.dashboards.few_shot import write_few_shot
from tests.dashboards.screens.driver import open_page, texts
from workbench.cli._group import cli
from workbench.settings import Settings
from workbench.tracking import RunRecorder, open_store, read_runs, schema


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    root = tmp_path_factory.mktemp("made-up")
    settings = Settings(cache=root / "cache", runs=root / "runs")
    write_few_shot(settings, recipes=("gda", "knn", "lora"), shots=(1, 16), seeds=(0, 1))
    return settings


@pytest.fixture
def few_shot(made_up, monkeypatch):
    """The store's runs; the pages find it by the environment."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(made_up.cache))
    monkeypatch.setenv("WORKBENCH_RUNS", str(made_up.runs))
    return read_runs(open_store(made_up))


@pytest.mark.parametrize("metric", [None, "nll"])
def test_the_first_screen_says_what_the_command_line_says(few_shot, metric):
    arguments = ["compare", "--suite", "few-shot", "--json", *(["--metric", metric] if metric else [])]
    printed = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout)
    (verdict,) = printed["verdicts"]
    app = open_page("overview", **({"metric": metric} if metric else {}))
    assert not app.exception
    shown = texts(app).replace("\\", "").replace("**", "")
    for sentence in (*verdict["sentences"], *verdict["next_steps"]):
        assert sentence in shown
    rows = app.dataframe[0].value
    assert dict(zip(rows["recipe"], rows["rank"], strict=True)) == {
        **{label: str(rank) for label, rank in verdict["ranks"].items()}, "majority-class": "-"
    }  # fmt: skip
    name = metric or "accuracy"
    entries = {(entry["label"], entry["shots"]): entry for entry in printed["entries"]}
    for row in rows.to_dict("records"):
        entry = entries.get((row["recipe"], "16")) or entries.get((row["recipe"], "0")) or entries[row["recipe"], "all"]
        assert (row[name], row["low"], row["high"]) == pytest.approx((entry["mean"], entry["ci_low"], entry["ci_high"]))


def test_a_store_that_was_moved_keeps_its_verdict_and_intervals(settings, tmp_path, monkeypatch):
    write_few_shot(settings, recipes=("gda", "knn"), shots=(1,), seeds=(0, 1))
    there = open_page("overview")
    moved = settings.runs.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("WORKBENCH_RUNS", str(moved))
    app = open_page("overview")
    assert not app.exception
    assert "No verdict" not in texts(app)
    for before, after in zip(there.dataframe, app.dataframe, strict=True):
        assert after.value.equals(before.value)
    assert "Paired differences" in texts(open_page("compare"))


@pytest.mark.parametrize("page", ["overview", "cost", "shots"])
def test_what_only_another_suite_tells_apart_is_not_in_labels(settings, page):
    for suite in ("first", "second"):
        write_few_shot(settings, suite=suite, recipes=("gda", "knn"), shots=(1, 4), seeds=(0,))
    app = open_page(page, suite="first")
    assert not app.exception
    recipes = app.dataframe[0].value["recipe"].tolist()
    assert {"gda", "knn"} <= set(recipes)
    assert not any("suite=" in recipe for recipe in recipes)
    if page == "overview":
        assert "gda (suite=second)" in app.dataframe[1].value["recipe"].tolist()


def test_of_two_datasets_of_one_name_each_has_its_verdict(settings):
    for suite in ("first", "second"):
        place = f"/{suite}/ferns"
        write_few_shot(settings, suite=suite, recipes=("gda",), shots=(1,), seeds=(0,),
                       tags={schema.PLACE: place, "dataset.fingerprint": place})  # fmt: skip
    for suite in ("first", "second"):
        app = open_page("overview", dataset=f"{suite}/ferns")
        assert not app.exception
        assert f"{suite}/ferns" in [header.value.replace("\\", "").split(" (")[0] for header in app.header]
        assert "No verdict" not in texts(app)
        assert "gda" in app.dataframe[0].value["recipe"].tolist()


def test_a_dataset_that_was_asked_in_another_language_alone_has_its_verdict(settings):
    write_few_shot(settings, recipes=("gda",), shots=(1,), seeds=(0,), tags={schema.LANGUAGE: "fr"})
    app = open_page("overview", dataset="ferns")
    assert not app.exception
    assert "No verdict" not in texts(app)
    assert "gda" in app.dataframe[0].value["recipe"].tolist()


def test_a_suite_whose_predictions_are_gone_keeps_its_table(settings):
    write_few_shot(settings, recipes=("gda",), shots=(1,), seeds=(0,))
    for path in settings.runs.rglob(schema.PREDICTIONS):
        path.unlink()
    app = open_page("overview")
    assert not app.exception
    assert "No verdict" in texts(app)
    assert any("newest run" in table.value for table in app.dataframe)


def test_a_run_has_a_page_with_all_that_was_recorded(few_shot):
    run = next(run for run in few_shot if (run.recipe, run.shots, run.seed) == ("lora", "16", 1))
    app = open_page("run", run=run.run_id)
    assert not app.exception
    assert run.run_id in texts(app)
    tables = {table.value.columns[0]: table.value for table in app.dataframe if table.value.columns[0]}
    measured = tables["metric"].set_index("metric")["unrounded"]
    for name in ("accuracy", "macro_f1", "nll", "train_seconds", "trainable_parameters"):
        assert measured[name] == run.metrics[name]
    assert not any(name.startswith("epoch_") or name.endswith("_ci_low") for name in measured.index)
    assert tables["file"]["file"].tolist() == ["predictions.parquet"]
    assert "Training" in [header.value for header in app.subheader]


def test_a_failed_run_says_why_on_its_page(settings, tmp_path):
    params = dict.fromkeys(("model", "dataset", "field", "task", "recipe"), "x") | {"shots": 0, "seed": 0}
    recorder = RunRecorder.begin(open_store(settings), "s", "r", params, {schema.RUN_KEY: "k"})
    recorder.fail("ran out of *memory*")
    app = open_page("run", run=recorder.run_id)
    assert not app.exception
    assert app.error[0].value.replace("\\", "") == "ran out of *memory*"


def test_a_run_that_judged_images_has_its_page_and_stops_no_other(settings, tiny_model, write_colours, tmp_path):
    folder = write_colours(tmp_path / "made", train=1, val=1, test=2)
    pictures = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    lines = ["file_name,prompt", *(f"{name},a {name.split('/')[1]} sheet" for name in pictures)]
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    arguments = ["judge", str(folder), "--model", tiny_model, "--precision", "fp32", "--device", "cpu", "--json"]
    judged = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout)
    (run,) = read_runs(open_store(settings))
    app = open_page("run", run=run.run_id)
    assert not app.exception
    tables = {table.value.columns[0]: table.value for table in app.dataframe}
    measured = tables["metric"].set_index("metric")["unrounded"]
    assert measured["clip_score"] == pytest.approx(judged["metrics"]["clip_score"])
    for page in ("overview", "compare", "errors", "shots", "cost", "transfer"):
        assert not open_page(page).exception
