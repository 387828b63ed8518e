"""`workbench compare` and `workbench report` on a store with a few runs."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from workbench.cli._group import cli
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.tasks import ClassPredictions
from workbench.tracking import RunRecorder, open_store, schema

CLASSES = ("ash", "birch")


def invoke(*arguments):
    found = CliRunner().invoke(cli, list(arguments))
    if isinstance(found.exception, WorkbenchError):
        raise found.exception
    return found


@pytest.fixture
def run_ids(tmp_path):
    """Two recipes with two seeds on one dataset, in the default store."""
    store = open_store(Settings.load())
    made = {}
    labels = np.random.default_rng(0).integers(0, 2, 80)
    for recipe, signal in (("good", 3.0), ("bad", 0.0)):
        for seed in (0, 1):
            scores = np.random.default_rng([seed, len(recipe)]).normal(size=(80, 2)).astype(np.float32)
            scores[np.arange(80), labels] += signal
            folder = tmp_path / f"{recipe}{seed}"
            folder.mkdir()
            kept = ClassPredictions([f"i{i}" for i in range(80)], [None] * 80, labels, scores, CLASSES)
            kept.write(folder / schema.PREDICTIONS)
            params = {"model": "m", "dataset": "trees", "field": "botany", "task": "classification", "recipe": recipe,
                      "shots": 4, "seed": seed}  # fmt: skip
            tags = {schema.RUN_KEY: f"{recipe}{seed}", schema.LABEL: recipe, schema.PRIMARY_METRIC: "accuracy"}
            recorder = RunRecorder.begin(store, "s", recipe, params, tags)
            recorder.finish({"accuracy": 0.5, "train_images": 8}, {}, folder)
            made[recipe, seed] = recorder.run_id
    return made


def test_runs_files_and_suites_are_compared_and_reported(run_ids, tmp_path):
    good, bad = run_ids["good", 0], run_ids["bad", 0]
    said = invoke("compare", good[:8], bad).output
    assert "good (m, 4 shots, seed 0, one of 2 seeds" in said
    assert "bad (m, 4 shots, seed 0, one of 2 seeds" in said
    assert "`workbench compare --suite s` compares all seeds together" in said

    theirs = tmp_path / "theirs.parquet"
    pq.write_table(pa.table({"id": [f"i{i}" for i in range(80)], "scores": [[0.0, 1.0]] * 80}), theirs)
    (found,) = json.loads(invoke("compare", good, str(theirs), "--json").output)
    assert found["other"] == str(theirs)
    assert "seed 0, one of 2 seeds" in found["sentence"]
    assert found["difference"]["value"] > 0.2

    text = invoke("compare", "--suite", "s").output
    assert "good is better than bad in accuracy" in text
    assert "Holm-corrected over the 1 comparison of suite s in each dataset's primary metric" in text
    comparison = json.loads(invoke("compare", "--suite", "s", "--metric", "nll", "--json").output)
    assert {entry["label"]: len(entry["seeds"]) for entry in comparison["entries"]} == {"good": 2, "bad": 2}
    assert comparison["comparisons"][0]["metric"] == "nll"

    printed = invoke("report", "s", "--to", str(tmp_path / "report"))
    assert printed.exit_code == 0
    for name in ("report.html", "report.md", "report.json"):
        assert (tmp_path / "report" / name).is_file()
    with pytest.raises(WorkbenchError, match="--shots 7: suite 's' has none"):
        invoke("compare", "--suite", "s", "--shots", "7")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give a run and what to compare it with"),
        (("abc",), "Give a run and what to compare it with"),
        (("abc", "def", "--suite", "s"), "either runs or --suite"),
        (("abc", "def", "--shots", "4"), "go with --suite"),
    ],
)
def test_what_is_missing_or_too_much_is_said(arguments, words):
    found = CliRunner().invoke(cli, ["compare", *arguments])
    assert found.exit_code == 2
    assert words in found.output


def test_a_suite_without_runs_is_said():
    with pytest.raises(WorkbenchError, match="suite 'nothing' has no finished run"):
        invoke("compare", "--suite", "nothing")


def test_learning_curves_are_shown_and_given_as_json(tmp_path):
    store, labels = open_store(Settings.load()), np.random.default_rng(0).integers(0, 2, 200)
    for shots in (1, 2, 4, 8, 16):
        for seed in range(3):
            scores = np.random.default_rng([seed, shots]).normal(size=(200, 2)).astype(np.float32)
            scores[np.arange(200), labels] += 0.5 * np.log2(4 * shots)
            folder = tmp_path / f"{shots}-{seed}"
            folder.mkdir()
            kept = ClassPredictions([f"i{i}" for i in range(200)], [None] * 200, labels, scores, CLASSES)
            kept.write(folder / schema.PREDICTIONS)
            params = {"model": "m", "dataset": "trees", "field": "botany", "task": "classification", "recipe": "probe",
                      "shots": shots, "seed": seed}  # fmt: skip
            tags = {schema.RUN_KEY: f"{shots}-{seed}", schema.LABEL: "probe", schema.PRIMARY_METRIC: "accuracy"}
            recorder = RunRecorder.begin(store, "grown", "probe", params, tags)
            recorder.finish({"accuracy": 0.5, "train_images": 2 * shots}, {}, folder)
    text = invoke("curve", "grown", "--target", "0.99").output
    assert "probe on trees with m, accuracy:\n  measured by images a class: 1: " in text
    assert "to reach 99.0 %" in text
    (curve,) = json.loads(invoke("curve", "grown", "--target", "0.8", "--json").output)
    assert [point["images"] for point in curve["points"]] == [2, 4, 8, 16, 32]
    assert [expected["images"] for expected in curve["expected"]] == [64, 128]
    (needed,) = curve["targets"]
    assert needed["target"] == 0.8
    assert 1 <= needed["images"]["low"] <= needed["images"]["value"]
    (entry,) = json.loads(invoke("compare", "--suite", "grown", "--json").output)["curves"]
    assert entry["law"] == curve["law"]
    with pytest.raises(WorkbenchError, match="--target 90"):
        invoke("curve", "grown", "--target", "90")
