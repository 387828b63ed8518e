"""A report of something else than classification: chance instead of a majority class, words that hold for the task."""

import json

import numpy as np
import pytest

from workbench.reports.study import study_json, study_text, write_report
from workbench.runs.study import study_runs
from workbench.tasks import GroundingPredictions
from workbench.tracking import RunResult, schema


@pytest.fixture
def grounding():
    """Gives a study of instructions with four boxes each; one recipe of these signals a contestant."""

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
        return study_runs(runs, lambda run: kept[run.run_id], suite="s")

    return make


def test_chance_stands_beside_the_table_and_no_baseline_in_it(grounding, tmp_path):
    study = grounding(0.1, 2.0)
    write_report(study, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "A blind guess would reach 25.0 %." in text
    assert "A blind guess would reach 25.0 %." in study_text(study, width=120)
    assert "(baseline)" not in text
    assert "Test items are instructions in grounding." in text
    picture = (tmp_path / "figures" / "shots-1-scenes.svg").read_text(encoding="utf-8")
    assert "blind guess" in picture
    assert "per class" not in picture
    assert {(e["task"], e["chance"]) for e in json.loads(study_json(study))["entries"]} == {("grounding", 0.25)}


def test_a_recipe_alone_has_no_table_of_differences(grounding, tmp_path):
    study = grounding(0.1)
    assert study.pairs == ()
    write_report(study, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "A blind guess" in text
    assert "paired difference:" not in text.lower()
    assert "paired differences:" not in text
    assert "p-values are" not in study_text(study, width=120)
    write_report(grounding(0.1, 2.0, shots=("4",)), tmp_path)
    assert "The paired difference:" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_report_of_classification_alone_says_nothing_of_other_tasks(study, tmp_path):
    write_report(study, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "blind guess" not in text
    assert "Test items are" not in text
    assert all(entry["chance"] is None for entry in json.loads(study_json(study))["entries"])
