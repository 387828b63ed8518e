"""Published numbers against runs that are really made: pass, fail, not here, other protocol; and nothing twice."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import balanced_accuracy_score

import workbench
from workbench.cli import cli
from workbench.errors import CardError
from workbench.runs import Suite
from workbench.runs.execute import run_suite
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings
from workbench.tracking import open_store, read_runs
from workbench.verification import read_expected, verify
from workbench.verification.check import compared

ONE = """
source = "nobody"

[[expected]]
dataset = "{dataset}"
metric = "balanced_accuracy"
tolerance = 0.004
protocol = {{ split = "test", test_images = {test_images}, classes = 3 }}
values = {{ "{model}" = {value} }}
"""
FEW = """
[[expected]]
dataset = "{dataset}"
recipe = "{recipe}"
seeds = [0, 1, 2]
tolerance = 0.05
protocol = {{ split = "test" }}
values = {{ "{model}" = {{ 2 = 0.9 }} }}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory, tiny_model, write_colours):
    """Settings with a store in which another suite has the run of `ONE`, and its value by scikit-learn."""
    root = tmp_path_factory.mktemp("verify")
    settings = Settings(cache=root / "cache", runs=root / "runs", precision="fp32", device="cpu")
    colours = write_colours(root / "colours", train=3, val=2)
    suite = Suite(
        name="earlier", models=(tiny_model,), datasets=(str(colours),), recipes=({"recipe": "zero-shot"},),
        baseline=False, figures=False,
    )  # fmt: skip
    (run,) = run_suite(suite, settings)
    predictions = FinishedRun.open(run.run_id, settings).predictions
    value = balanced_accuracy_score(predictions.labels, np.asarray(predictions.scores).argmax(axis=1))
    return SimpleNamespace(settings=settings, colours=colours, model=tiny_model, value=value, run=run.run_id)


@pytest.fixture
def write(world, tmp_path):
    def written(value, text=ONE, **others):
        path = tmp_path / "expected.toml"
        values = {"dataset": world.colours, "model": world.model, "test_images": 24, **others}
        path.write_text(text.format(value=value, **values), encoding="utf-8")
        return path

    return written


def test_green_red_and_what_is_finished_is_not_run_again(world, write):
    store = open_store(world.settings)
    before = {run.run_id for run in read_runs(store)}
    (green,) = verify(read_expected(write(world.value)), world.settings)
    assert (green.verdict, green.runs) == ("pass", (world.run,))
    assert math.isclose(green.ours, world.value)
    assert green.interval[0] <= world.value <= green.interval[1]
    (red,) = verify(read_expected(write(world.value - 0.0041)), world.settings)
    assert red.verdict == "fail"
    assert math.isclose(red.difference, 0.0041)
    assert {run.run_id for run in read_runs(store)} == before


def test_what_is_missing_is_run_and_seeds_are_averaged(world, write):
    path = write(world.value, ONE + FEW, recipe="nearest-class-mean")
    _, few = verify(read_expected(path), world.settings)
    runs = [run for run in read_runs(open_store(world.settings)) if run.run_id in few.runs]
    assert sorted(run.seed for run in runs) == [0, 1, 2]
    assert {(run.suite, run.shots) for run in runs} == {("verify", "2")}
    assert math.isclose(few.ours, np.mean([run.metrics["accuracy"] for run in runs]))
    assert few.interval is None


def test_what_cannot_be_compared_is_counted_apart(world, write, tmp_path):
    (other,) = verify(read_expected(write(0.5, test_images=6149)), world.settings)
    assert (other.verdict, other.ours) == ("other protocol", None)
    assert "24 test images here, 6,149 there" in other.reason
    for missing in ({"model": "local-dir:nowhere"}, {"dataset": tmp_path / "none.toml"}, {"dataset": "no-such-set"}):
        (check,) = verify(read_expected(write(0.5, **missing)), world.settings)
        assert (check.verdict, check.ours) == ("not here", None), missing
        assert check.reason


def test_models_and_datasets_of_the_hub_are_not_downloaded(world, write, tmp_path, monkeypatch):
    """The hub seems to be within reach, and is not asked."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    for model in ("ViT-B-32-quickgelu/openai", "hf-hub:vinid/plip", "timm:vit_small_patch14_dinov2.lvd142m"):
        (check,) = verify(read_expected(write(0.5, model=model)), world.settings)
        assert check.verdict == "not here"
        assert f"workbench fetch --model {model}" in check.reason
    (check,) = verify(read_expected(write(0.5, dataset="oxford-flowers102")), world.settings)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (offline,) = verify(read_expected(write(0.5, model="hf-hub:vinid/plip@main")), world.settings)
    assert offline.reason.endswith("`workbench fetch --model hf-hub:vinid/plip@main` brings it.")
    assert check.verdict == "not here"
    assert "workbench fetch --dataset oxford-flowers102" in check.reason


def test_a_number_that_cannot_be_made_is_red_and_stops_no_other(world, write):
    fine, failed = verify(read_expected(write(world.value, ONE + FEW, recipe="coca")), world.settings)
    assert fine.verdict == "pass"
    assert (failed.verdict, failed.ours) == ("fail", None)
    assert "coca" in failed.reason


def test_a_recipe_that_nobody_has_is_named_with_the_file(world, write):
    with pytest.raises(CardError, match=r"expected\.toml: .*nearest-class-men"):
        verify(read_expected(write(0.5, ONE + FEW, recipe="nearest-class-men")), world.settings)


def test_the_edge_of_a_tolerance_passes_and_no_number_fails(write):
    (expected,) = read_expected(write(0.5))
    assert compared(expected, 0.504).verdict == compared(expected, 0.496).verdict == "pass"
    assert compared(expected, 0.5041).verdict == compared(expected, math.nan).verdict == "fail"


def test_the_command_says_it_by_its_exit_code_and_in_a_report(world, write, tmp_path):
    def called(path, *options):
        environment = {"WORKBENCH_RUNS": str(world.settings.runs), "WORKBENCH_CACHE": str(world.settings.cache)}
        command = ["verify", "--expected", str(path), "--precision", "fp32", *options]
        return CliRunner(env=environment).invoke(cli, command)

    green = called(write(world.value), "--to", str(tmp_path / "report"))
    assert green.exit_code == 0, green.output
    assert "1 passed, 0 failed." in green.stdout
    for name in ("verification.html", "verification.md"):
        text = (tmp_path / "report" / name).read_text(encoding="utf-8")
        assert f"{100 * world.value:.2f}" in text
        assert "nobody" in text
    red = called(write(world.value - 0.1), "--json")
    assert red.exit_code == 1
    (answer,) = json.loads(red.stdout)
    assert (answer["verdict"], answer["protocol"]["classes"]) == ("fail", 3)
    assert math.isclose(answer["difference"], 0.1)
    nothing = called(write(0.5, model="local-dir:nowhere"))
    assert nothing.exit_code == 1
    assert "0 passed, 0 failed, 1 not here. Nothing was compared." in nothing.stdout


def test_from_python_it_is_a_table(world, write):
    places = {"cache": world.settings.cache, "runs": world.settings.runs, "precision": "fp32", "device": "cpu"}
    frame = workbench.verify(world.model, expected=write(world.value), **places)
    assert frame[["model", "verdict", "theirs"]].to_numpy().tolist() == [[world.model, "pass", world.value]]
