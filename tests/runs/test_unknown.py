"""Runs on a card with unknown classes: no recipe is told of them, thresholds are validation's, metrics are test's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, roc_auc_score

from tests.executors.suites import Told
from workbench.datasets import check_dataset, open_dataset
from workbench.errors import CardError, DataError
from workbench.labelling import LabelRules
from workbench.metrics import softmax
from workbench.metrics.unknown import SCORES, known_scores
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.apply import label_predictions, predict_folder
from workbench.runs.comparisons.opening import compare_by_id
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings
from workbench.tasks import ClassPredictions

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200), "grey": (128, 128, 128)}
HEAD = """name = "{0}"
source = {{ type = "csv", path = "{1}.csv" }}
[columns]
label = "label"
split = "split"
[splits]
"""
RECIPES = ("zero-shot", "linear-probe", "transclip", "tda")


def lines_of(folder: Path, rng) -> list[str]:
    lines = ["image,label,split"]
    for split, count in (("train", 6), ("val", 8), ("test", 12)):
        for name, rgb in COLOURS.items():
            for i in range(count):
                pixels = np.clip(np.array(rgb) + rng.normal(0, 20, 3) + rng.normal(0, 60, (40, 40, 3)), 0, 255)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{split}-{name}{i}.png")
                lines.append(f"images/{split}-{name}{i}.png,{name},{split}")
    return lines


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("unknown")
    (folder / "images").mkdir()
    lines = lines_of(folder, np.random.default_rng(0))
    # The same images with the test labels of red and grey exchanged.
    swap = {"red": "grey", "grey": "red"}
    other = [",".join([image, swap.get(name, name) if split == "test" else name, split])
             for image, name, split in (line.split(",") for line in lines[1:])]  # fmt: skip
    for name, text in (("patches", lines), ("swapped", [lines[0], *other])):
        (folder / f"{name}.csv").write_text("\n".join(text))
        (folder / f"{name}.toml").write_text(HEAD.format(name, name) + 'unknown = ["grey"]')
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")

    def run(name, recipes):
        entries = tuple(RecipeEntry(recipe=recipe) for recipe in recipes)
        card = str(folder / f"{name}.toml")
        suite = Suite(name="s", models=(tiny_model,), datasets=(card,), recipes=entries, figures=False)
        found = {run.recipe: run for run in run_suite(suite, settings, reporter=Told())}
        assert {run.status for run in found.values()} == {"finished"}
        return found

    return folder, run("patches", RECIPES), run("swapped", ("zero-shot", "linear-probe")), settings


@pytest.mark.parametrize("recipe", [*RECIPES, "majority-class"])
def test_no_recipe_is_told_of_them_and_accuracy_is_of_the_known(made, recipe):
    _, runs, _, settings = made
    run = runs[recipe]
    found = FinishedRun.open(run.run_id, settings).predictions
    assert found.class_names == ("blue", "green", "red")
    assert run.metrics["train_images"] in {0, 18}  # Some need none.
    assert run.metrics["test_images"] == 48
    assert list(found.unknown_items.classes) == ["grey"] * 12
    assert run.metrics["accuracy"] == accuracy_score(found.labels, found.scores.argmax(axis=1))
    assert len(found.labels) == 36
    note = "12 of 48 test images are of 1 class that no recipe is told of (grey; splits.unknown); their 14 other images"
    assert note in run.tags["dataset.notes"]


@pytest.mark.parametrize("recipe", ["zero-shot", "linear-probe", "transclip"])
def test_auroc_is_that_of_scikit_learn(made, recipe):
    _, runs, _, settings = made
    run = runs[recipe]
    found = FinishedRun.open(run.run_id, settings).predictions
    logits = np.concatenate([found.scores, found.unknown_items.scores])
    scale = found.unknown_items.scale
    truth = np.arange(48) < 36
    values = known_scores(logits, logits.astype(np.float64) / scale)
    for name, column in zip(SCORES, values.T, strict=True):
        key = f"unknown_auroc/{name}"
        if name == "mcm" and scale == 1:
            assert key not in run.metrics
            continue
        assert run.metrics[key] == pytest.approx(roc_auc_score(truth, column))
        assert run.metrics[f"{key}_ci_low"] <= run.metrics[key] <= run.metrics[f"{key}_ci_high"]
    assert ("unknown_auroc/mcm" in run.metrics) == (recipe != "linear-probe")


@pytest.mark.parametrize("recipe", ["zero-shot", "linear-probe"])
def test_thresholds_are_those_of_validation_and_never_of_test(made, recipe):
    _, runs, swapped, settings = made
    opened = FinishedRun.open(runs[recipe].run_id, settings)
    table = pq.read_table(opened.artifact("validation.parquet"))
    scores = np.array(table.column("scores").to_pylist(), dtype=np.float32)
    assert len(scores) == 24  # Eight of each known class.
    thresholds = opened.predictions.choices.known_thresholds
    values = known_scores(scores, scores.astype(np.float64) / opened.predictions.unknown_items.scale)
    for name, column, threshold in zip(SCORES, values.T, thresholds, strict=True):
        if not np.isnan(threshold):
            assert threshold == np.sort(column)[1], name  # 23 of 24 are 95 %.
    # Other classes of the test images: the same thresholds, other numbers.
    other = FinishedRun.open(swapped[recipe].run_id, settings)
    assert other.predictions.choices.known_thresholds == pytest.approx(thresholds, nan_ok=True)
    name = "unknown_refused/energy"
    assert swapped[recipe].metrics["unknown_auroc/msp"] != runs[recipe].metrics["unknown_auroc/msp"]
    assert name in runs[recipe].metrics


def test_shares_at_the_threshold(made):
    _, runs, _, settings = made
    run = runs["linear-probe"]
    found = FinishedRun.open(run.run_id, settings).predictions
    threshold = found.choices.known_thresholds[SCORES.index("max_logit")]
    known, unknown = found.scores.max(axis=1) >= threshold, found.unknown_items.scores.max(axis=1) >= threshold
    right = known & (found.scores.argmax(axis=1) == found.labels)
    assert run.metrics["known_accepted/max_logit"] == pytest.approx(known.mean())
    assert run.metrics["unknown_refused/max_logit"] == pytest.approx(1 - unknown.mean())
    assert run.metrics["open_set_accuracy/max_logit"] == pytest.approx((right.sum() + (~unknown).sum()) / 48)


@pytest.mark.parametrize("recipe", ["transclip", "tda"])
def test_what_sees_test_images_together_has_no_threshold(made, recipe):
    _, runs, _, _ = made
    assert "unknown_auroc/energy" in runs[recipe].metrics
    assert not [name for name in runs[recipe].metrics if name.startswith(("known_accepted", "unknown_refused"))]


@pytest.mark.parametrize("metric", ["accuracy", "unknown_auroc/energy", "unknown_fpr95/msp", "unknown_refused/energy"])
def test_runs_are_compared_by_them_also_with_a_file(made, metric, tmp_path):
    _, runs, _, settings = made
    a, b = runs["linear-probe"], runs["zero-shot"]
    ids = [b.run_id, str(FinishedRun.open(b.run_id, settings).artifact("predictions.parquet"))]
    found = compare_by_id(a.run_id, ids if "refused" not in metric else ids[:1], metric, settings)
    for each in found:
        assert each.difference.value == pytest.approx(a.metrics[metric] - b.metrics[metric], abs=1e-6)


def test_predictions_are_read_as_they_were_written(made, tmp_path):
    _, runs, _, settings = made
    found = FinishedRun.open(runs["tda"].run_id, settings).predictions
    found.write(tmp_path / "again.parquet")
    again = ClassPredictions.read(tmp_path / "again.parquet")
    np.testing.assert_array_equal(again.unknown_items.scores, found.unknown_items.scores)
    np.testing.assert_array_equal(again.other_orders[1], found.other_orders[1])
    assert (again.unknown_items.ids, again.ids) == (found.unknown_items.ids, found.ids)


def test_new_images_are_said_to_be_of_none(made):
    folder, runs, _, settings = made
    opened = FinishedRun.open(runs["zero-shot"].run_id, settings)
    predictions = predict_folder(opened, folder / "images", top=None)
    rows = {row["file"]: row for row in label_predictions(predictions, LabelRules())}
    found = opened.predictions
    logits = found.unknown_items.scores.astype(np.float64)
    threshold = found.choices.known_thresholds[0]
    values = known_scores(logits, logits / found.unknown_items.scale)
    for name, own in zip(found.unknown_items.ids, values, strict=True):
        row = rows[name.removeprefix("images/")]
        assert row["known"] == (own[0] >= threshold)
        assert (row["answer"] == "none of these") == (not row["known"])


def test_unknown_images_are_among_the_examples_and_mistakes_where_they_are_taken_for_known(made):
    _, runs, _, settings = made
    found = FinishedRun.open(runs["linear-probe"].run_id, settings).predictions
    chance = softmax(found.unknown_items.scores).max(axis=1)
    # A threshold that half of them reach.
    threshold = float(np.median(chance))
    found = replace(found, choices=replace(found.choices, known_thresholds=(float("nan"), threshold, 0.0, 0.0)))
    shown = found.examples()
    assert sorted(each.place for each in shown) == list(range(48))
    unknown = [each for each in shown if each.parts["true class"] == "grey (unknown)"]
    assert [each.is_right for each in unknown] == [chance[each.place - 36] < threshold for each in unknown]
    assert sum(bool(each.is_right) for each in unknown) == 6
    wrong = [each for each in shown if not each.is_right]
    assert shown[: len(wrong)] == wrong
    first = found.answers(unknown[0].place)
    assert first[0].share == pytest.approx(chance[unknown[0].place - 36])
    assert not any(answer.is_right for answer in first)


def described(folder, settings, splits, name="patches", more=""):
    (folder / "other.toml").write_text(f"{HEAD.format('other', name)}{splits}\n{more}")
    return open_dataset(str(folder / "other.toml"), settings)


def test_a_share_of_classes_and_a_list_of_the_known_ones(made):
    folder, *_, settings = made
    half = described(folder, settings, "unknown = 0.5")
    assert len(half.unknown_class_names) == len(half.class_names) == 2
    others = [described(folder, settings, f'unknown = ["{name}"]') for name in ("grey", "red")]
    assert len({dataset.fingerprint for dataset in (half, *others)}) == 3
    assert len({dataset.items_digest for dataset in (half, *others)}) == 3
    listed = described(folder, settings, 'unknown = ["grey"]', more='[classes]\nred = "r"\ngreen = "g"\nblue = "b"\n')
    assert (listed.class_names, listed.unknown_class_names) == (("r", "g", "b"), ("grey",))
    rows = listed.rows("test")
    assert set(listed.labels(rows).tolist()) == {-1, 0, 1, 2}
    assert "grey" in listed.card.in_words(listed, rows)
    assert set(listed.labels(listed.rows("train")).tolist()) == {0, 1, 2}
    assert "Its 36 test images can show a difference in accuracy" in str(check_dataset(listed))


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ('unknown = ["gray"]', "splits.unknown names 'gray', which is no class"),
        ('unknown = ["red", "green", "grey"]', "splits.unknown takes 3 of 4 classes"),
        ('unknown = ["grey"]\nunseen = ["grey"]', "splits.unseen names 'grey', which is no class"),
    ],
)
def test_classes_that_cannot_be_unknown_are_refused(made, splits, words):
    folder, *_, settings = made
    with pytest.raises(CardError, match=words):
        described(folder, settings, splits).rows("train"), described(folder, settings, splits).unseen_classes


def test_a_test_split_without_them_is_refused_before_any_work(made, tiny_model):
    folder, *_, settings = made
    lines = (folder / "patches.csv").read_text().splitlines()
    (folder / "lacking.csv").write_text("\n".join(line for line in lines if "test-grey" not in line))
    described(folder, settings, 'unknown = ["grey"]', "lacking")
    entries = (RecipeEntry(recipe="zero-shot"),)
    suite = Suite(name="t", models=(tiny_model,), datasets=(str(folder / "other.toml"),), recipes=entries)
    with pytest.raises(DataError, match="unknown keeps grey for test, and test has no image of them"):
        run_suite(suite, settings)
