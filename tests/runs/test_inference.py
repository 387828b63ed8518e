"""Inference that is not inductive: recorded, marked in every table, and named where it is compared with others."""

from dataclasses import replace

import pytest

from tests.runs.test_what_is_read import look, opened, stored
from workbench.errors import DataError, RecipeError
from workbench.plugin import ClassificationRecipe, RecipeConfig
from workbench.recipes import RunSpec
from workbench.reports import render
from workbench.runs import FinishedRun, run_suite
from workbench.runs.apply import predict_folder
from workbench.runs.comparisons import compare_suite
from workbench.runs.comparisons.groups import RunGroup
from workbench.runs.comparisons.inference import across_inference
from workbench.runs.comparisons.runs import compare_runs
from workbench.runs.planning import plan
from workbench.runs.suite import RecipeEntry, Suite
from workbench.tracking import RunResult, labels_apart, open_store, schema


class Asking(ClassificationRecipe):
    """Asks for unlabelled images."""

    trains = False
    unlabelled = True

    def fit(self, task):
        raise NotImplementedError


def run(label, inference=None, shots="0", **params):
    tags = {schema.LABEL: label, **({schema.INFERENCE: inference} if inference else {})}
    return RunResult(
        f"id-{label}-{params}", "s", "m", "d", "f", "classification", label, shots, 0, "finished", params=params,
        tags=tags,
    )  # fmt: skip


def test_labels_say_what_is_not_inductive():
    runs = [run("zero-shot"), run("tda", "online"), run("zlap", "transductive", k=1), run("zlap", "transductive", k=2)]
    assert [each.label for each in labels_apart(runs)] == [
        "zero-shot", "tda (online)", "zlap (transductive, k=1)", "zlap (transductive, k=2)"
    ]  # fmt: skip


def test_a_comparison_across_inference_says_so():
    assert across_inference([run("zero-shot"), run("gda")]) == []
    (sentence,) = across_inference([run("zero-shot"), run("tda", "online"), run("zlap", "transductive")])
    for words in ("zero-shot saw each test image by itself", "zlap saw all test images together", "tda saw the test"):
        assert words in sentence


def test_a_recipe_at_0_shots_is_not_compared_with_itself_at_more():
    group = RunGroup("transclip", (run("transclip", "transductive"),))
    assert group.is_everywhere
    assert not replace(group, has_other_shots=True).is_everywhere


def suite(**values):
    return Suite(name="s", models=("m",), datasets=("d",), baseline=False, **values)


def test_zero_shots_are_for_recipes_that_can_do_without_labels():
    entries = (RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe="linear-probe"))
    specs = plan(suite(recipes=entries, shots=(0, 4), seeds=(0, 1)))
    assert sorted((spec.recipe, spec.shots, spec.seed) for spec in specs) == [
        ("linear-probe", 4, 0), ("linear-probe", 4, 1), ("zero-shot", 0, 0)
    ]  # fmt: skip
    for values in ({"recipes": entries, "shots": (0,)}, {"recipes": (RecipeEntry(recipe="linear-probe", shots=(0,)),)}):
        with pytest.raises(RecipeError, match="'linear-probe' needs training images, and shots = 0 gives it none"):
            plan(suite(**values))


def test_unlabelled_images_are_read_and_given_without_labels(settings, tiny_model, make_colours):
    task = opened(make_colours(), settings, tiny_model)
    spec = RunSpec("m", "d", "r", "r", Asking, RecipeConfig(), 0, 0)
    (rows,) = look(task, spec)
    train = task.data.dataset.rows("train")
    assert stored_images(task) == len(train) + len(rows.test)
    given = task.given(spec, rows, refit=False)
    assert len(given.train) == len(given.val) == 0
    assert len(given.unlabelled.features) == len(train)
    assert not hasattr(given.unlabelled, "labels")
    plain = RunSpec("m", "d", "r", "r", type("Plain", (Asking,), {"unlabelled": False}), RecipeConfig(), 0, 0)
    assert task.given(plain, look(task, plain)[0], refit=False).unlabelled is None


def stored_images(task):
    rows = task.data.dataset.rows("all")
    return task.data.store.images(task.data.encoder).find(task.data.dataset.hashes(rows)).found.sum()


def test_where_there_are_none_the_run_is_refused(settings, tiny_model, make_colours):
    folder = make_colours()
    for path in sorted((folder / "train").rglob("*.png")):
        path.unlink()
    task = opened(folder, settings, tiny_model)
    with pytest.raises(DataError, match=r"recipe 'r' needs unlabelled images, and has none.*train split"):
        task.rows(RunSpec("m", "d", "r", "r", Asking, RecipeConfig(), 0, 0))
    assert stored(folder, settings, tiny_model)["train"] == 0


def test_a_transductive_run_is_marked_from_the_record_to_the_folder(settings, tiny_model, make_colours):
    folder = make_colours()
    entries = (RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe="transclip"))
    whole = Suite(
        name="s", models=(tiny_model,), datasets=(str(folder),), recipes=entries, shots=(0, 2), figures=False,
        baseline=False,
    )  # fmt: skip
    runs = run_suite(whole, settings)
    assert {(each.recipe, each.shots, each.status) for each in runs} == {
        ("zero-shot", "0", "finished"), ("transclip", "0", "finished"), ("transclip", "2", "finished")
    }  # fmt: skip
    inference = {each.recipe: each.inference for each in runs}
    assert inference == {"zero-shot": "inductive", "transclip": "transductive"}
    few_shot = next(each for each in runs if each.shots == "2")
    assert "Labels of the target were used: 6 labelled validation images" in few_shot.tags["notes"]
    table = render([each.to_dict() for each in runs], "markdown")
    assert "transclip (transductive)" in table
    comparison = compare_suite(open_store(settings), "s")
    assert any(note.startswith("This compares across inference: zero-shot saw each") for note in comparison.notes)
    assert {entry.group.label for entry in comparison.results} == {"zero-shot", "transclip (transductive)"}
    one = next(each for each in runs if each.shots == "0" and each.recipe == "transclip")
    other = next(each for each in runs if each.recipe == "zero-shot")
    opened_runs = [FinishedRun.open(each.run_id, settings) for each in (one, other)]
    (compared,) = compare_runs(opened_runs[0], opened_runs[1:])
    assert any("across inference" in mark for mark in compared.marks)
    notes = []
    predictions = predict_folder(opened_runs[0], folder / "test", notes=notes)
    assert any(f"depends on all {len(predictions)} images" in note for note in notes)
    chances = opened_runs[0].predictions.probabilities.max(axis=1)
    assert sorted(each.answer["probabilities"][0] for each in predictions) == pytest.approx(sorted(chances), abs=1e-4)


def test_an_online_run_is_made_in_three_orders(settings, tiny_model, make_colours):
    folder = make_colours()
    entries = (RecipeEntry(recipe="tda"), RecipeEntry(recipe="tent", config={"batch_size": 4, "learning_rate": 0.1}))
    whole = Suite(
        name="s", models=(tiny_model,), datasets=(str(folder),), recipes=entries, figures=False, baseline=False
    )  # fmt: skip
    runs = {each.recipe: each for each in run_suite(whole, settings)}
    assert {each.status for each in runs.values()} == {"finished"}
    for each in runs.values():
        assert each.inference == "online"
        assert {
            "accuracy",
            "ece",
            "order_accuracy_mean",
            "order_accuracy_range",
            "order_ece_mean",
        } <= each.metrics.keys()
        finished = FinishedRun.open(each.run_id, settings)
        assert len(finished.predictions.other_orders) == 2
        assert finished.predictions.stability() == {
            name: pytest.approx(each.metrics[name]) for name in each.metrics if name.startswith("order_")
        }
        notes = []
        predict_folder(finished, folder / "test", notes=notes)
        assert any("is online: the answer for an image depends on those before it" in note for note in notes)
    tent = FinishedRun.open(runs["tent"].run_id, settings).predictions
    assert any((tent.scores != scores).any() for scores in tent.other_orders), "the order matters to it"
    table = render([each.to_dict() for each in runs.values()], "markdown", ["accuracy", "order_accuracy_range"])
    assert "tent (online)" in table
    again = run_suite(whole, settings, fresh=True)
    for each in again:
        assert each.metrics["order_accuracy_mean"] == pytest.approx(runs[each.recipe].metrics["order_accuracy_mean"])
