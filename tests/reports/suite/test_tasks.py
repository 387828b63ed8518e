"""A report of something else than classification: chance instead of a majority class, words that hold for the task."""

import json

import numpy as np
import pytest

from workbench.reports.suite import suite_json, suite_text, write_report
from workbench.runs.comparisons import compare_run_groups
from workbench.tasks import GroundingPredictions
from workbench.tracking import RunResult, schema


@pytest.fixture
def grounding():
    """Gives a comparison of instructions with four boxes each; one recipe of these signals a group."""

    def make(*signals, shots=("1", "4")):
        runs, kept = [], {}
        for recipe, signal in zip(("zero-shot", "head"), signals, strict=False):
            for level in ("0",) if recipe == "zero-shot" else shots:
                rng = np.random.default_rng(int(10 * signal))
                right = [np.arange(4) == i % 4 for i in range(80)]
                ids = [str(i) for i in range(80)]
                scores = [(rng.normal(size=4) + signal * own).astype(np.float32) for own in right]
                tags = {schema.LABEL: recipe, schema.PRIMARY_METRIC: "accuracy", "dataset.fingerprint": "f"}
                runs.append(RunResult(
                    f"r{len(runs)}", "s", "m", "scenes", "robotics", "grounding", recipe, level, 0, "finished",
                    {"chance_accuracy": 0.25, "train_images": float(level)}, {}, tags, 1_700_000_000_000,
                ))  # fmt: skip
                kept[runs[-1].run_id] = GroundingPredictions(ids, ids, ids, [None] * 80, [""] * 80, scores, right)
        return compare_run_groups(runs, lambda run: kept[run.run_id], suite="s")

    return make


def test_chance_stands_beside_the_table_and_no_baseline_in_it(grounding, tmp_path):
    comparison = grounding(0.1, 2.0)
    write_report(comparison, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "A blind guess would reach 25.0 %." in text
    assert "A blind guess would reach 25.0 %." in suite_text(comparison, width=120)
    assert "(baseline)" not in text
    assert "Test items are instructions in grounding." in text
    picture = (tmp_path / "figures" / "shots-1-scenes.svg").read_text(encoding="utf-8")
    assert "blind guess" in picture
    assert "per class" not in picture
    assert {(e["task"], e["chance"]) for e in json.loads(suite_json(comparison))["entries"]} == {("grounding", 0.25)}


def test_a_recipe_alone_has_no_table_of_differences(grounding, tmp_path):
    comparison = grounding(0.1)
    assert comparison.pairs == ()
    write_report(comparison, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "A blind guess" in text
    assert "paired difference:" not in text.lower()
    assert "paired differences:" not in text
    assert "p-values are" not in suite_text(comparison, width=120)
    write_report(grounding(0.1, 2.0, shots=("4",)), tmp_path)
    assert "The paired difference:" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_report_of_classification_alone_says_nothing_of_other_tasks(comparison, tmp_path):
    write_report(comparison, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "blind guess" not in text
    assert "Test items are" not in text
    assert all(entry["chance"] is None for entry in json.loads(suite_json(comparison))["entries"])
