"""A third party's task, recipes, metrics and model, installed by pip, go wherever a run goes.

Whatever in the engine takes every run for a classification fails here.
"""

import csv
import json

import pytest

from tests.dashboards.screens.driver import open_page, texts
from tests.registry.dots import write_dots
from workbench.cli import main
from workbench.errors import CardError
from workbench.metrics import registry
from workbench.settings import Settings
from workbench.tracking import open_store, read_runs

RUN = (
    "run", "--model", "grey-grid", "--device", "cpu", "--recipe", "ridge-count", "--recipe", "mean-count",
    "--shots", "8", "--shots", "all", "--seed", "0", "--seed", "1", "--name", "counts", "--quiet",
)  # fmt: skip


def ended(*arguments):
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return stopped.value.code or 0


@pytest.fixture
def call(capsys, monkeypatch):
    """Calls the command line, which must succeed, and gives its answer."""
    monkeypatch.setenv("COLUMNS", "160")

    def make(*arguments):
        code, out = ended(*arguments), capsys.readouterr()
        assert code == 0, out.err + out.out
        return json.loads(out.out) if "--json" in arguments else out.out

    return make


@pytest.fixture(scope="module")
def place(installed, tmp_path_factory):
    """A folder with the card, and a store with the finished runs."""
    root = tmp_path_factory.mktemp("counts")
    card = write_dots(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, root)
        assert ended(*RUN, "--dataset", card) == 0
    return root


def _use(patch, root):
    for name, value in (("CACHE", root / "cache"), ("RUNS", root / "runs"), ("PRECISION", "fp32")):
        patch.setenv(f"WORKBENCH_{name}", str(value))


@pytest.fixture
def store(place, monkeypatch):
    _use(monkeypatch, place)
    return place


@pytest.fixture
def runs(store):
    """The finished runs, by recipe and shots, of seed 0."""
    found = read_runs(open_store(Settings.load()))
    assert len(found) == 6
    assert {run.status for run in found} == {"finished"}
    return {(run.recipe, run.shots): run for run in found if run.seed == 0}


def test_all_of_it_is_listed_and_shown(installed, call):
    for what, names in {
        "tasks": {"counting"},
        "metrics": {"mean_absolute_error", "r2", "geometric_mean_recall"},
        "recipes": {"ridge-count", "mean-count"},
        "models": {"grey-grid"},
    }.items():
        rows = {row["name"]: row for row in call("list", what, "--json")}
        assert {rows[name]["provider"] for name in names} == {"nearest-prompt 0.3.0"}
    assert {row["name"]: row["better"] for row in call("list", "metrics", "--json")}["mean_absolute_error"] == "lower"
    shown = call("show", "recipe", "ridge-count", "--json")
    assert shown["tasks"] == ["counting"]
    assert "multi_label" not in shown


def test_a_check_reads_the_counts(store, tmp_path, call, capsys):
    card = store / "data" / "dots.toml"
    assert call("check", card, "--json")["problems"] == 0
    bad = write_dots(tmp_path / "bad")
    table = bad.with_suffix(".csv")
    table.write_text(table.read_text(encoding="utf-8").replace("train-3.png,", "train-3.png,many"), encoding="utf-8")
    assert ended("check", bad, "--json") == 1
    (unfit,) = json.loads(capsys.readouterr().out)["unfit_rows"]
    assert unfit.startswith("train-3.png: column 'dots' must hold a count of 0 or more")


def test_shots_are_images_in_all_and_the_metric_ranks_from_below(runs):
    assert {key: run.metrics["train_images"] for key, run in runs.items()} == {
        (recipe, shots): images for recipe in ("ridge-count", "mean-count") for shots, images in (("8", 8), ("all", 24))
    }
    best, worst = (runs[recipe, "all"].metrics for recipe in ("ridge-count", "mean-count"))
    assert best["mean_absolute_error_ci_high"] < 0.6
    assert worst["mean_absolute_error_ci_low"] > 1.2
    assert worst["r2_ci_low"] < worst["r2"] <= 0
    assert 0.8 < best["r2_ci_low"] < best["r2_ci_high"] < 1


def test_tables_put_the_smallest_error_first(runs, call):
    lines = call("results").splitlines()
    assert lines[0] == "dots (unspecified), by mean_absolute_error"
    ridge, mean = (next(line for line in lines if name in line and " all " in line) for name in ("ridge", "mean-count"))
    assert lines.index(ridge) < lines.index(mean)
    assert "]*" in ridge
    assert "*" not in mean


@pytest.mark.parametrize(
    ("metric", "test", "sign"), [(None, "sign-flip test over 20", -1), ("r2", "exchange test over 20", 1)]
)
def test_runs_and_suites_are_compared_by_each_metric(runs, call, metric, test, sign):
    asked = ["--metric", metric] if metric else []
    one, other = runs["ridge-count", "all"].run_id, runs["mean-count", "all"].run_id
    said = call("compare", one, other, *asked)
    assert said.startswith("ridge-count")
    assert f"is better than mean-count (none, all shots, seed 0, {other[:8]}) in {metric or 'mean_absolute_er'}" in said
    assert test in said
    found = call("compare", "--suite", "counts", *asked, "--json")
    at_all = [pair for pair in found["comparisons"] if pair["shots"] == "all"]
    (pair,) = (pair for pair in at_all if pair["kind"] == "recipes")
    assert pair["difference"] * sign > 0


def test_the_mean_of_all_counts_does_not_meet_the_mean_of_eight(runs, call):
    """What reads labels alone takes part at its own shots, where a suite has several."""
    said = call("compare", "--suite", "counts", "--shots", "8")
    assert "no shots" not in said.splitlines()[2]
    assert "mean-count minus mean-count" not in said


def test_a_report_names_the_items(runs, tmp_path, call):
    call("report", "counts", "--to", tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "Test items are images with a count in counting." in text
    assert "| ridge-count | **" in text


def test_a_run_counts_on_images_without_a_count(runs, store, call):
    answered = call("predict", runs["ridge-count", "all"].run_id, store / "data")
    counts = {row["file"]: float(row["count"]) for row in csv.DictReader(answered.splitlines())}
    true = dict(line.split(",")[:2] for line in (store / "data" / "dots.csv").read_text(encoding="utf-8").split()[1:])
    off = [abs(counts[name] - int(number)) for name, number in true.items()]
    assert len(off) == 54
    assert sum(off) / 54 < 0.5


def test_the_pages_show_counts(runs):
    app = open_page("overview")
    assert not app.exception
    assert app.dataframe[0].value["mean_absolute_error"].is_monotonic_increasing
    worst = runs["mean-count", "all"]
    app = open_page("errors", run=worst.run_id)
    assert not app.exception
    assert "images, the worst counted first" in texts(app)
    app = next(each for each in app.button if each.key == "open 0").click().run()
    app = next(each for each in app.toggle if each.label == "Nearest training images").set_value(True).run()
    assert not app.exception
    app = open_page("data")
    assert not app.exception
    assert "Classes" not in [each.value for each in app.header]
    app = open_page("compare")
    assert not app.exception
    assert app.dataframe[0].value["test"].str.contains("sign-flip").all()
    app = open_page("compare", by="runs", run=[run.run_id for run in (worst, runs["ridge-count", "all"])])
    assert not app.exception
    assert "the paired difference is all there is to see" in texts(app)


def test_one_object_and_one_entry_point_are_a_metric_that_can_rank(
    installed, tmp_path, make_colours, monkeypatch, call
):
    _use(monkeypatch, tmp_path)
    make_colours()
    card = tmp_path / "colours.toml"
    card.write_text(
        'name = "colours"\ntask = "classification"\nprimary_metric = "geometric_mean_recall"\n'
        '[source]\ntype = "folder"\npath = "colours"\n[columns]\nlabel = "label"\n',
        encoding="utf-8",
    )
    ran = call(
        "run", "--model", "grey-grid", "--device", "cpu", "--dataset", card, "--recipe", "linear-probe", "--json"
    )
    by_recipe = {run["recipe"]: run["metrics"] for run in ran}
    assert by_recipe["majority-class"]["geometric_mean_recall"] == 0  # Two classes are lost.
    assert by_recipe["majority-class"]["geometric_mean_recall_ci_high"] > 0
    assert 0 <= by_recipe["linear-probe"]["geometric_mean_recall"] <= by_recipe["linear-probe"]["balanced_accuracy"]
    assert "by geometric_mean_recall" in call("results")


def test_a_task_whose_metric_nobody_registers_is_refused(store, monkeypatch, installed):
    from workbench.datasets import read_card

    known = {name: metric for name, metric in registry.all_metrics().items() if name != "r2"}
    monkeypatch.setattr("workbench.datasets.card.all_metrics", lambda: known)
    with pytest.raises(CardError, match="task 'counting' measures 'r2', which no package registers"):
        read_card(store / "data" / "dots.toml")
