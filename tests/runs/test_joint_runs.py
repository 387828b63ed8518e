"""Retrieval, matching, grounding and unseen classes end to end, on a tiny model and coloured images."""

import shutil

import numpy as np
import pytest

from tests.runs.halves import COLOURS, COUNTS
from workbench.datasets import open_dataset
from workbench.errors import DataError, RecipeError, WorkbenchError
from workbench.features import FeatureStore
from workbench.metrics import metric_named, retrieval_metrics
from workbench.models import open_model
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.runs.apply import predict_folder
from workbench.runs.comparisons import compare_suite
from workbench.runs.comparisons.runs import compare_runs
from workbench.tasks import PairScorer, TaskData, dataset_task
from workbench.tasks.retrieval import Retrieval
from workbench.tracking import open_store

HEAD = RecipeEntry(recipe="linear-head", config={"epochs": 4, "learning_rates": [1e-2], "features": "pooled"})


def run(card, settings, model, *recipes, **values):
    entries = tuple(r if isinstance(r, RecipeEntry) else RecipeEntry(recipe=r) for r in recipes)
    suite = Suite(name="s", models=(model,), datasets=(str(card),), recipes=entries, figures=False, **values)
    found = run_suite(suite, settings)
    assert [r.status for r in found] == ["finished"] * len(recipes), [r.tags.get("workbench.error") for r in found]
    return {r.recipe: r for r in found}


def recomputed(result, settings):
    """Every metric again, from the predictions alone."""
    finished = FinishedRun.open(result.run_id, settings)
    again = finished.predictions.estimates(finished.card.run_metrics)
    for name, estimate in again.items():
        assert result.metrics[name] == pytest.approx(estimate.value, abs=1e-6)
        assert result.metrics[f"{name}_ci_low"] == pytest.approx(estimate.low, abs=1e-6)
    return finished, again


def test_retrieval(write, settings, tiny_model):
    def captions(left, right, rng):
        return {"caption": [f"{left} and {right}", f"there is {left}"]}

    card = write("retrieval", {"caption": "caption"}, captions, 'primary_metric = "text_to_image_recall_at_1"')
    found = run(card, settings, tiny_model, "zero-shot", HEAD)
    head, again = recomputed(found["linear-head"], settings)
    assert head.result.task == "retrieval"
    assert head.result.metrics["image_to_text_recall_at_1"] > found["zero-shot"].metrics["image_to_text_recall_at_1"]
    assert 0 < head.result.metrics["chance_image_to_text_recall_at_1"] < 0.2
    # The engine's numbers are those of the metrics on the predictor's own embeddings.
    dataset = open_dataset(str(card), settings)
    task = Retrieval(TaskData(dataset, head.encoder, FeatureStore(settings.cache), "cpu"))
    data = task.captioned(dataset.rows("test"))
    predictor = head.predictor()
    expected = retrieval_metrics(predictor.embed_images(data.images), predictor.embed_texts(data.texts), data.positives)
    assert set(expected) == set(again)
    for name, estimate in expected.items():
        assert (again[name].value, again[name].n) == (pytest.approx(estimate.value), estimate.n)
    (compared,) = compare_runs(head, [FinishedRun.open(found["zero-shot"].run_id, settings)])
    difference = found["linear-head"].metrics["text_to_image_recall_at_1"]
    difference -= found["zero-shot"].metrics["text_to_image_recall_at_1"]
    assert compared.difference.value == pytest.approx(difference)


def test_matching(write, settings, tiny_model):
    def contrasts(left, right, rng):
        absent = next(name for name in COLOURS if name not in {left, right})
        return {
            "contrasts": [
                {"text": f"{left} and {right}", "wrong": [f"{right} and {left}"], "kind": "swap (a, b)"},
                {"text": f"there is {left}", "wrong": [f"there is {absent}"], "kind": "replace"},
            ]
        }

    card = write("matching", {"negatives": "contrasts"}, contrasts)
    found = run(card, settings, tiny_model, "zero-shot", HEAD)
    finished, again = recomputed(found["linear-head"], settings)
    swap = "accuracy/swap _a_ b_"
    assert set(again) == {"accuracy", swap, "accuracy/replace"}
    assert set(finished.predictions.categories) == {"swap (a, b)", "replace"}
    assert again["accuracy"].n == 2 * COUNTS["test"]
    assert again["accuracy"].value > 0.7 > found["zero-shot"].metrics["accuracy"]
    (compared,) = compare_runs(finished, [FinishedRun.open(found["zero-shot"].run_id, settings)], swap)
    assert compared.difference.n == COUNTS["test"]
    (pair,) = compare_suite(open_store(settings), "s", swap).pairs
    assert pair.first.run.recipe == "linear-head"
    assert abs(pair.difference.value) == pytest.approx(abs(compared.difference.value))
    with pytest.raises(WorkbenchError, match="cannot be compared item by item"):
        compare_runs(finished, [FinishedRun.open(found["zero-shot"].run_id, settings)], "auroc")


def test_items_of_equal_images_are_resampled_together(write, settings, tiny_model):
    def contrasts(left, right, rng):
        absent = [name for name in COLOURS if name not in {left, right}]
        return {"caption": f"{left} and {right}", "negatives": {name: f"{left} and {name}" for name in absent}}

    card = write("matching", {"caption": "caption", "negatives": "negatives"}, contrasts)
    # Of two files with the same content each is an image of its own.
    shutil.copy(card.parent / "test-0.png", card.parent / "test-1.png")
    zero = run(card, settings, tiny_model, "zero-shot")["zero-shot"]
    assert (zero.metrics["test_items"], zero.metrics["test_groups"]) == (48, 23)
    finished, _ = recomputed(zero, settings)
    groups = dict(zip(finished.predictions.images, finished.predictions.groups, strict=True))
    assert groups["test-0.png"] == groups["test-1.png"] != groups["test-2.png"]


def test_statements(write, settings, tiny_model):
    def statement(left, right, rng):
        truth = bool(rng.random() < 0.5)
        return {"said": f"{left if truth else right} is on the left", "label": truth}

    card = write("matching", {"caption": "said", "label": "label"}, statement)
    found = run(card, settings, tiny_model, "zero-shot", HEAD)
    _, again = recomputed(found["linear-head"], settings)
    assert set(again) == {"accuracy", "auroc", "average_precision"}
    assert "chosen.threshold" in found["zero-shot"].tags
    (compared,) = compare_runs(
        FinishedRun.open(found["linear-head"].run_id, settings),
        [FinishedRun.open(found["zero-shot"].run_id, settings)], "auroc",
    )  # fmt: skip
    assert compared.difference.value == pytest.approx(
        found["linear-head"].metrics["auroc"] - found["zero-shot"].metrics["auroc"], abs=1e-6
    )


def test_pairs(write, settings, tiny_model):
    number = iter(range(100))

    def pair(left, right, rng):
        return {"said": f"{left} left of {right}", "pair": next(number) // 2}

    card = write("matching", {"caption": "said", "pair": "pair"}, pair, 'primary_metric = "group_score"')
    found = run(card, settings, tiny_model, "zero-shot", HEAD)
    _, again = recomputed(found["zero-shot"], settings)
    assert set(again) == {"text_score", "image_score", "group_score"}
    assert again["group_score"].n == COUNTS["test"] // 2
    assert found["zero-shot"].metrics["chance_group_score"] == pytest.approx(1 / 6)


def test_few_shots_divide_no_pair(write, settings, tiny_model):
    number = iter(range(100))
    card = write("matching", {"caption": "said", "pair": "pair"}, lambda *_: {"said": "red", "pair": next(number) // 2})
    (few,) = run(card, settings, tiny_model, HEAD, shots=(6,)).values()
    assert (few.metrics["train_images"], few.metrics["val_images"]) == (6, 6)


def test_grounding(write, settings, tiny_model):
    def instruction(left, right, rng):
        answer = int(rng.integers(2))
        boxes = [[0, 0, 16, 32], [16, 0, 32, 32]]
        return {"boxes": boxes, "said": [{"text": f"take {(left, right)[answer]}", "answer": answer, "kind": "colour"}]}

    columns = {"boxes": "boxes", "instruction": "said"}
    card = write("grounding", columns, instruction, "regions = { margin = 0.0 }")
    found = run(card, settings, tiny_model, "zero-shot", HEAD)
    _, again = recomputed(found["linear-head"], settings)
    assert set(again) == {"accuracy", "accuracy/colour", "accuracy/2_candidates"}
    assert found["linear-head"].metrics["chance_accuracy"] == 0.5
    assert again["accuracy"].value > 0.8


RELATIONS = RecipeEntry(recipe="relation-head", config={"epochs": 25, "scales": [10.0], "tiles": 2, "words": 1})


def test_pairs_scored_with_all_of_a_picture_in_view(write, settings, tiny_model):
    """Which half is left is in no product of two embeddings that this model has, but in how tiles and boxes lie."""

    def contrasts(left, right, rng):
        text, wrong = f"{left} then {right}", f"{right} then {left}"
        return {"contrasts": [{"text": text, "wrong": [wrong], "kind": "order"}]}

    card = write("matching", {"negatives": "contrasts"}, contrasts)
    found = run(card, settings, tiny_model, "zero-shot", RELATIONS)
    finished, again = recomputed(found["relation-head"], settings)
    assert set(again) == {"accuracy", "accuracy/order"}
    assert again["accuracy"].value > 0.8
    assert found["zero-shot"].metrics["accuracy"] < 0.7
    assert isinstance(finished.predictor(), PairScorer)
    (compared,) = compare_runs(finished, [FinishedRun.open(found["zero-shot"].run_id, settings)])
    assert compared.difference.value > 0.1


def test_boxes_scored_beside_one_another(write, settings, tiny_model):
    halves = {"left": [0, 0, 16, 32], "right": [16, 0, 32, 32]}

    def instruction(left, right, rng):
        boxes = [halves[side] for side in rng.permutation(list(halves))]
        side = str(rng.choice(list(halves)))
        return {"boxes": boxes, "said": [{"text": f"take the {side} one", "answer": boxes.index(halves[side])}]}

    card = write("grounding", {"boxes": "boxes", "instruction": "said"}, instruction)
    found = run(card, settings, tiny_model, HEAD, RELATIONS)
    assert found["linear-head"].metrics["accuracy"] < 0.8
    assert found["relation-head"].metrics["accuracy"] > 0.9


class Scorer(PairScorer):
    def __init__(self, answer):
        self._answer = answer

    def scores(self, candidates):
        assert not hasattr(candidates, "right")
        assert not hasattr(candidates, "categories")
        return self._answer(len(candidates.pairs))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda count: np.zeros(count - 1), r"scores of shape \(\d+,\), expected \(\d+,\)"),
        (lambda count: np.full(count, np.nan), "scores that are not finite"),
    ],
)
def test_wrong_scores_are_refused(write, settings, tiny_model, answer, message):
    task = opened_task(write("matching", {"negatives": "c"}, a_contrast), settings, tiny_model)
    with pytest.raises(RecipeError, match=message):
        task.predict(Scorer(answer), task.data.dataset.rows("test"), "mine")


def test_neither_places_nor_numbers_tell_what_is_right(write, settings, tiny_model):
    """Cards name the right text first, and its number is lower than those of the wrong ones."""

    class Peeping(PairScorer):
        def __init__(self, look):
            self._look = look

        def scores(self, candidates):
            return -self._look(candidates).astype(np.float32)

    task = opened_task(write("matching", {"negatives": "c"}, many_contrasts), settings, tiny_model)
    rows = task.data.dataset.rows("test")
    assert task.choices(rows)[0].is_correct[::3].all()
    for look in (
        lambda asked: np.arange(len(asked.item)) - asked.starts[asked.item],
        lambda asked: asked.pairs[:, 1],
    ):
        found = task.predict(Peeping(look), rows, "mine").estimates([metric_named("accuracy")])["accuracy"]
        assert found.n == 4 * COUNTS["test"]
        assert found.value < 0.5


def many_contrasts(left, right, rng):
    said = [f"{left} {right} {number}" for number in rng.integers(0, 10**9, 12)]
    return {"c": [{"text": said[3 * i], "wrong": said[3 * i + 1 : 3 * i + 3]} for i in range(4)]}


def test_retrieval_needs_embeddings(write, settings, tiny_model):
    task = opened_task(write("retrieval", {"caption": "c"}, caption), settings, tiny_model)
    with pytest.raises(RecipeError, match=r"'mine' gave a Scorer, .* retrieval ranks embeddings"):
        task.predict(Scorer(np.zeros), task.data.dataset.rows("test"), "mine")


def opened_task(card, settings, model):
    dataset = open_dataset(str(card), settings)
    data = TaskData(dataset, open_model(model, settings), FeatureStore(settings.cache), "cpu")
    return dataset_task(dataset.card.task)(data)


def a_contrast(left, right, rng):
    return {"c": [{"text": left, "wrong": [right]}]}


def caption(left, right, rng):
    return {"c": f"{left} {right}"}


def test_few_shots_and_what_cannot_be_done(write, settings, tiny_model):
    card = write("retrieval", {"caption": "c"}, caption)
    with pytest.raises(RecipeError, match="'linear-probe' does classification, and dataset 'halves' is for retrieval"):
        run(card, settings, tiny_model, "linear-probe")
    # Without labels, shots are images in all; the baseline of classification stays away.
    (few,) = run(card, settings, tiny_model, HEAD, shots=(5,)).values()
    assert (few.metrics["train_images"], few.metrics["val_images"]) == (5, 5)
    with pytest.raises(WorkbenchError, match="so give the texts that the images are to be compared with"):
        predict_folder(FinishedRun.open(few.run_id, settings), card.parent)


def test_unseen_classes(settings, tiny_model, make_colours):
    folder = make_colours()
    card = folder.parent / "card.toml"
    card.write_text(
        f'name = "unseen"\nprimary_metric = "harmonic_accuracy"\n[source]\ntype = "folder"\npath = "{folder}"\n'
        '[splits]\nunseen = ["blue"]\n',
        encoding="utf-8",
    )
    with pytest.raises(RecipeError, match="'linear-probe' cannot recognise classes without training images"):
        run(card, settings, tiny_model, "linear-probe")
    found = run(card, settings, tiny_model, "majority-class", "zero-shot", "task-res", HEAD)
    assert "too few classes to hide" in found["task-res"].tags["notes"]
    assert found["majority-class"].metrics["harmonic_accuracy"] == 0
    assert found["linear-head"].metrics["train_images"] == 12
    assert found["linear-head"].metrics["seen_accuracy"] > 0.6
    finished = FinishedRun.open(found["linear-head"].run_id, settings)
    assert finished.predictor().classes.shape[0] == 3
    # The card's metric compares runs, too, although it is no mean over items.
    other = FinishedRun.open(found["majority-class"].run_id, settings)
    (compared,) = compare_runs(finished, [other])
    expected = found["linear-head"].metrics["harmonic_accuracy"]
    assert (compared.metric, compared.difference.value) == ("harmonic_accuracy", pytest.approx(expected))
    entries = compare_suite(open_store(settings), found["zero-shot"].suite).results
    assert {entry.metric for entry in entries} == {"harmonic_accuracy"}


@pytest.mark.parametrize(("gone", "what"), [(["blue"], "of them"), (["red", "green"], "of any other class")])
def test_unseen_classes_that_test_cannot_measure_are_refused_before_any_work(
    settings, tiny_model, make_colours, gone, what
):
    folder = make_colours()
    for name in gone:
        shutil.rmtree(folder / "test" / name)
    card = folder.parent / "card.toml"
    card.write_text(
        f'name = "unseen"\n[source]\ntype = "folder"\npath = "{folder}"\n[splits]\nunseen = ["blue"]\n',
        encoding="utf-8",
    )
    with pytest.raises(DataError, match=f"splits.unseen.*blue.*{what}"):
        run(card, settings, tiny_model, "zero-shot")
