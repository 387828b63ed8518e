"""Runs on a card with `[decisions]`: what is chosen on validation, measured on test, kept, and used for new images."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score

from tests.executors.suites import Told
from workbench.labelling import LabelRules
from workbench.metrics import softmax
from workbench.reports import render
from workbench.reports.suite import write_report
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.apply import label_predictions, predict_folder
from workbench.runs.comparisons import compare_suite
from workbench.runs.comparisons.opening import compare_by_id
from workbench.runs.finished import FinishedRun
from workbench.runs.usable import UsableRun
from workbench.settings import Settings
from workbench.tracking import open_store

COLOURS = {"benign": (90, 110, 160), "malignant": (160, 80, 90)}
ROOT = Path(__file__).parent.parent.parent
(EXAMPLE,) = re.findall(
    r"^```toml\n(.*?)^```", (ROOT / "docs/decisions.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)
CARD = f'name = "lesions"\nsource = {{ type = "csv", path = "table.csv" }}\n{EXAMPLE}'


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    """Two recipes on noisy patches of two kinds, two images a patient."""
    folder = tmp_path_factory.mktemp("lesions")
    (folder / "images").mkdir()
    rng, lines = np.random.default_rng(0), ["image,label,patient,sex,split"]
    for split, count in (("train", 40), ("val", 60), ("test", 80)):
        for i in range(count):
            patient, name = i // 2, list(COLOURS)[(i // 2) % 3 == 0]
            pixels = np.clip(np.array(COLOURS[name]) + rng.normal(0, 25, 3) + rng.normal(0, 60, (40, 40, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{split}{i}.png")
            lines.append(f"images/{split}{i}.png,{name},{split}{patient},{'FM'[patient % 2]},{split}")
    (folder / "table.csv").write_text("\n".join(lines))
    card = folder / "lesions.toml"
    card.write_text(CARD)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    entries = tuple(RecipeEntry(recipe=name) for name in ("zero-shot", "linear-probe"))
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(card),), recipes=entries, refit=True, figures=True)
    runs = {run.recipe: run for run in run_suite(suite, settings, reporter=Told())}
    assert {run.status for run in runs.values()} == {"finished"}
    return folder, runs, settings


def test_measures_at_points_are_those_of_a_confusion_matrix(made):
    _, runs, settings = made
    run = runs["linear-probe"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    margin = np.diff(predictions.scores.astype(np.float64), axis=1)[:, 0]
    for key, threshold in zip(("youden", "sensitivity_0.9", "cost_4"), predictions.choices.thresholds, strict=True):
        tn, fp, fn, tp = confusion_matrix(predictions.labels, margin >= threshold).ravel()
        expected = {
            "sensitivity_at": tp / (tp + fn), "specificity_at": tn / (tn + fp), "ppv_at": tp / (tp + fp),
            "npv_at": tn / (tn + fn),
        }  # fmt: skip
        for name, value in expected.items():
            assert run.metrics[f"{name}/{key}"] == pytest.approx(value)
            assert run.metrics[f"{name}/{key}_ci_low"] <= value <= run.metrics[f"{name}/{key}_ci_high"]
        true, false = 0.02 * expected["sensitivity_at"], 0.98 * (1 - expected["specificity_at"])
        assert run.metrics[f"ppv_at_prevalence/{key}"] == pytest.approx(true / (true + false))
    assert run.metrics["positive_auroc"] == pytest.approx(roc_auc_score(predictions.labels, margin))
    assert run.metrics["class_recall/benign"] == pytest.approx(run.metrics["specificity"])


def test_thresholds_are_those_of_validation_and_never_of_test(made):
    folder, runs, settings = made
    opened = FinishedRun.open(runs["linear-probe"].run_id, settings)
    choices = opened.predictions.choices
    table = pq.read_table(opened.artifact("validation.parquet"))
    scores = np.array(table.column("scores").to_pylist())
    labels = np.array(table.column("label").to_pylist())
    assert len(labels) == choices.images == 60
    positives = np.sort(np.diff(scores, axis=1)[labels == 1, 0])[::-1]
    # Out-of-fold temperatures move a margin a little from the final one's.
    place = int(np.ceil(0.9 * len(positives))) - 1
    assert choices.thresholds[1] == pytest.approx(positives[place] * choices.calibration.factor[0], rel=0.5, abs=0.3)
    # Other test labels: the same thresholds.
    lines = (folder / "table.csv").read_text().splitlines()
    swapped = [
        line.replace("benign", "X").replace("malignant", "benign").replace("X", "malignant")
        if line.endswith("test") else line for line in lines
    ]  # fmt: skip
    (folder / "swapped.csv").write_text("\n".join(swapped))
    (folder / "swapped.toml").write_text(CARD.replace("table.csv", "swapped.csv").replace('"lesions"', '"swapped"'))
    suite = Suite(
        name="t", models=(runs["linear-probe"].model,), datasets=(str(folder / "swapped.toml"),),
        recipes=(RecipeEntry(recipe="linear-probe"),), refit=True, figures=False, baseline=False,
    )  # fmt: skip
    (again,) = run_suite(suite, settings, reporter=Told())
    other = FinishedRun.open(again.run_id, settings).predictions
    assert other.choices == choices
    assert again.metrics["positive_auroc"] == pytest.approx(1 - runs["linear-probe"].metrics["positive_auroc"])


def test_validation_images_are_kept_from_fitting_where_choices_are_made_on_them(made):
    _, runs, _ = made
    assert runs["linear-probe"].metrics["train_images"] == 40
    assert "60 validation images are kept from fitting" in runs["linear-probe"].tags["notes"]


def test_patients_are_measured_beside_images(made):
    _, runs, settings = made
    run = runs["linear-probe"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    chance = softmax(predictions.scores)[:, 1]
    groups = np.array(predictions.groups)
    names = list(dict.fromkeys(groups))
    join = {"mean": np.mean, "max": np.max, "noisy-or": lambda p: 1 - np.prod(1 - p)}[predictions.choices.join]
    joined = np.array([join(chance[groups == name]) for name in names])
    truth = np.array([predictions.labels[groups == name].max() for name in names])
    assert run.metrics["group_positive_auroc"] == pytest.approx(roc_auc_score(truth, joined))
    assert run.metrics["group_accuracy"] == pytest.approx(((joined > 0.5) == truth).mean())
    assert "group_sensitivity_at/youden" in run.metrics


def test_subgroups_are_measured_and_the_gap_has_a_test(made):
    _, runs, settings = made
    run = runs["linear-probe"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    hits = predictions.scores.argmax(axis=1) == predictions.labels
    by_sex = {sex: hits[np.array(predictions.subgroups["sex"]) == sex].mean() for sex in "FM"}
    for sex, value in by_sex.items():
        assert run.metrics[f"subgroup_accuracy/sex {sex}"] == pytest.approx(value)
        assert f"subgroup_sensitivity_at/sex {sex}/youden" in run.metrics
    assert run.metrics["worst_subgroup_accuracy/sex"] == pytest.approx(min(by_sex.values()))
    assert run.metrics["gap_subgroup_accuracy/sex"] == pytest.approx(abs(by_sex["F"] - by_sex["M"]))
    assert 0 < run.metrics["p_subgroup_accuracy/sex"] <= 1


def test_calibration_is_shown_before_and_after(made):
    _, runs, settings = made
    run = runs["zero-shot"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    raw = predictions.scores / np.array(predictions.choices.calibration.factor)
    assert run.metrics["uncalibrated_nll"] == pytest.approx(log_loss(predictions.labels, softmax(raw)), rel=1e-4)
    assert run.metrics["nll"] < run.metrics["uncalibrated_nll"]
    assert run.metrics["accuracy"] == run.metrics["uncalibrated_accuracy"]


def test_sets_of_classes(made):
    _, runs, settings = made
    run = runs["linear-probe"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    inside = softmax(predictions.scores) >= predictions.choices.least_probability
    assert run.metrics["set_coverage"] == pytest.approx(inside[np.arange(80), predictions.labels].mean())
    assert run.metrics["set_size"] == pytest.approx(inside.sum(axis=1).mean())


@pytest.mark.parametrize(
    "metric",
    ["sensitivity_at/youden", "positive_auroc", "sensitivity_at_specificity/0.9", "set_coverage", "set_size",
     "group_accuracy", "group_sensitivity_at/youden", "subgroup_accuracy/sex F", "worst_subgroup_accuracy/sex",
     "uncalibrated_nll", "aurc", "selective_accuracy/0.8", "class_recall/malignant"],
)  # fmt: skip
def test_runs_are_compared_by_all_of_them(made, metric):
    _, runs, settings = made
    ids = [runs[name].run_id for name in ("linear-probe", "zero-shot")]
    (compared,) = compare_by_id(ids[0], ids[1:], metric, settings)
    difference = runs["linear-probe"].metrics[metric] - runs["zero-shot"].metrics[metric]
    assert compared.difference.value == pytest.approx(difference, abs=1e-6)


def test_curves_are_drawn_and_their_numbers_kept(made):
    _, runs, settings = made
    opened = FinishedRun.open(runs["linear-probe"].run_id, settings)
    figures = opened.artifact("figures")
    assert (figures / "decision_curves.png").stat().st_size > 10_000
    lines = (figures / "decision_curves.csv").read_text().splitlines()
    assert lines[0].split(",") == ["curve", "x", "value", "low", "high"]
    assert len(lines) == 1 + 101 + 101 + 99


def test_the_report_shows_them(made, tmp_path):
    _, runs, settings = made
    write_report(compare_suite(open_store(settings), "s"), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in ("sensitivity_at/youden", "group_ppv_at/cost_4", "subgroup_accuracy/sex F", "p_subgroup_accuracy/sex",
                  "uncalibrated_nll", "set_size", "class_recall/benign"):  # fmt: skip
        assert words in text
    table = render([run.to_dict() for run in runs.values()], "markdown", metrics=["group_sensitivity_at/youden"])
    assert "group_sensitivity_at/youden" in table


def test_new_images_get_calibrated_answers(made):
    folder, runs, settings = made
    opened = FinishedRun.open(runs["zero-shot"].run_id, settings)
    answers = {row.file: row.answer for row in predict_folder(opened, folder / "images", top=None)}
    predictions = opened.predictions
    for i in (0, 17, 59):
        answer = answers[predictions.ids[i].removeprefix("images/")]
        chance = dict(zip(answer["classes"], answer["probabilities"], strict=True))
        assert chance["malignant"] == pytest.approx(softmax(predictions.scores)[i, 1], abs=1e-4)
    assert json.loads((opened.artifact("predictor") / "choices.json").read_text())["images"] == 60


def test_new_images_are_decided_at_the_operating_points_and_have_sets(made):
    """At the thresholds that validation chose, the run's test images are positive as often as in its own metrics."""
    folder, runs, settings = made
    opened = UsableRun.open(runs["linear-probe"].run_id, settings)
    predictions, choices = opened.predictions, opened.predictions.choices
    answers = opened.predict([folder / name for name in predictions.ids], top=None)
    truth = predictions.labels == 1
    for point, name in (("youden", "youden"), ("sensitivity=0.9", "sensitivity_0.9"), ("cost=4", "cost_4")):
        positive = np.array([answer[f"positive_at_{name}"] for answer in answers])
        assert positive[truth].mean() == pytest.approx(runs["linear-probe"].metrics[f"sensitivity_at/{name}"]), point
        assert (~positive[~truth]).mean() == pytest.approx(runs["linear-probe"].metrics[f"specificity_at/{name}"])
    for answer in answers:
        chance = dict(zip(answer["classes"], answer["probabilities"], strict=True))
        assert answer["positive_probability"] == pytest.approx(chance["malignant"], abs=2e-6)
        likely = {name for name, value in chance.items() if value >= choices.least_probability}
        assert set(answer["class_set"]) == likely
    names = predictions.class_names
    covered = [names[k] in answer["class_set"] for k, answer in zip(predictions.labels, answers, strict=True)]
    assert np.mean(covered) == pytest.approx(runs["linear-probe"].metrics["set_coverage"])
    rows = label_predictions(predict_folder(opened, folder / "images", top=None), LabelRules(top=1))
    by_file = {f"images/{row['file']}": row for row in rows}
    for name, answer in zip(predictions.ids, answers, strict=True):
        assert by_file[name]["positive_at_youden"] == answer["positive_at_youden"]
        assert by_file[name]["class_set"] == " | ".join(answer["class_set"])
