"""A run reads the images that its recipe and its test use, and refuses a split as early as it can."""

import numpy as np
import pytest

from adapters.majority_class import MajorityClass
from tests.runs.test_execute import Told, suite_of
from workbench.datasets import open_dataset
from workbench.errors import DataError, RecipeError
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.recipes import RecipeConfig, RunSpec
from workbench.runs import FinishedRun, run_suite
from workbench.tasks import TaskData, dataset_task


def opened(folder, settings, tiny_model, **options):
    dataset = open_dataset(str(folder), settings)
    data = TaskData(dataset, open_model(tiny_model, settings), FeatureStore(settings.cache), "cpu", **options)
    return dataset_task(dataset.card.task)(data)


def look(task, *specs):
    return task.data.readable_rows([task.rows(spec) for spec in specs], task.prepare)


def stored(folder, settings, tiny_model):
    """How many images of each split the feature store holds."""
    task = opened(folder, settings, tiny_model)
    table = FeatureStore(settings.cache).images(task.data.encoder)
    found = {split: task.data.dataset.hashes(task.data.dataset.rows(split)) for split in ("train", "val", "test")}
    return {split: int(table.find(hashes).found.sum()) for split, hashes in found.items()}


def in_a_table(folder):
    """The same images, named by a table, so that one that is gone is missed."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
    lines = [f"{path},{path.parts[1]},{path.parts[0]}" for path in files]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label,split", *lines]), encoding="utf-8")
    return folder


def spec_of(recipe, shots=None, seed=0):
    return RunSpec("m", "d", "r", "r", recipe, RecipeConfig(), shots, seed)


class Curious(MajorityClass):
    """Says that it reads nothing, and asks for features."""

    def fit(self, task):
        task.train.images.features  # noqa: B018
        return super().fit(task)


class Reading(MajorityClass):
    """Looks at images."""

    reads = "features"


def test_the_baseline_beside_zero_shot_reads_test_images_alone(settings, tiny_model, make_colours):
    folder = make_colours()
    runs = run_suite(suite_of(tiny_model, folder, "zero-shot"), settings)
    assert sorted(run.recipe for run in runs) == ["majority-class", "zero-shot"]
    assert {run.status for run in runs} == {"finished"}
    dataset = open_dataset(str(folder), settings)
    assert stored(folder, settings, tiny_model) == {"train": 0, "val": 0, "test": len(dataset.rows("test"))}
    baseline = next(run for run in runs if run.recipe == "majority-class")
    assert baseline.metrics["train_images"] == len(dataset.rows("train"))
    counts = dataset.class_counts("train")
    scores = FinishedRun.open(baseline.run_id, settings).predictions.scores
    np.testing.assert_allclose(scores[0], np.log((counts + 1) / (counts.sum() + len(counts))), rtol=1e-6)


def test_few_shots_read_the_sample_and_test(settings, tiny_model, make_colours):
    folder = make_colours(train=6)
    task = opened(folder, settings, tiny_model)
    look(task, spec_of(Reading, shots=2))
    classes, val = len(task.data.dataset.class_names), task.data.dataset.class_counts("val")
    assert stored(folder, settings, tiny_model) == {
        "train": 2 * classes, "val": int(np.minimum(val, 2).sum()), "test": len(task.data.dataset.rows("test"))
    }  # fmt: skip


def test_a_recipe_that_reads_nothing_is_given_nothing_to_read(settings, tiny_model, make_colours):
    task = opened(make_colours(), settings, tiny_model)
    spec = spec_of(Curious)
    (rows,) = look(task, spec)
    with pytest.raises(RecipeError, match='reads "nothing"'):
        Curious(RecipeConfig()).fit(task.given(spec, rows, refit=False))
    with pytest.raises(RecipeError, match='reads "nothing"'):
        task.given(spec, rows, refit=False).val.images.decode(0)


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("retrieval", {"caption": "text"}),
        ("matching", {"caption": "text", "negatives": "wrong"}),
        ("grounding", {"boxes": "boxes", "instruction": "text", "answer": "answer"}),
    ],
)
def test_nor_is_one_of_another_task(settings, tiny_model, write, task, columns):
    def describe(left, right, rng):
        boxes = [[0, 0, 16, 32], [16, 0, 32, 32]]
        return {"text": left, "wrong": [right], "boxes": boxes, "answer": 0}

    task = opened(write(task, columns, describe), settings, tiny_model)
    spec = spec_of(Curious)
    (rows,) = look(task, spec)
    before = task.data.store.images(task.data.encoder).find(task.data.dataset.hashes(rows.train)).found.sum()
    given = task.given(spec, rows, refit=False)
    assert before == 0
    assert len(given.train.images) >= len(rows.train)
    with pytest.raises(RecipeError, match='reads "nothing"'):
        given.train.images.features  # noqa: B018


def test_without_a_train_split_the_baseline_is_left_out_and_that_is_said(settings, tiny_model, make_colours):
    folder = make_colours()
    for split in ("train", "val"):
        for path in sorted((folder / split).rglob("*.png")):
            path.unlink()
    told = Told()
    (run,) = run_suite(suite_of(tiny_model, folder, "zero-shot"), settings, reporter=told)
    assert (run.recipe, run.status) == ("zero-shot", "finished")
    assert sum("majority-class" in line and "no train split" in line for line in told.lines) == 1
    asked = run_suite(suite_of(tiny_model, folder, "majority-class"), settings)
    assert [run.status for run in asked] == ["failed"]
    assert "the train split is empty, and recipe 'majority-class' needs it" in asked[0].tags["workbench.error"]


@pytest.mark.parametrize(("left", "reason"), [(None, "No such file"), (b"", "the file is empty")])
def test_too_many_missing_files_are_refused_before_anything_is_computed(
    settings, tiny_model, make_colours, left, reason
):
    folder = in_a_table(make_colours())
    for path in sorted((folder / "train").rglob("*.png"))[::4]:
        path.unlink()
        if left is not None:
            path.write_bytes(left)
    task = opened(folder, settings, tiny_model)
    for shots in (2, None):
        with pytest.raises(DataError, match=f"train images cannot be read, more than the 1.0 %.*{reason}"):
            look(task, spec_of(Reading, shots))
    assert stored(folder, settings, tiny_model) == {"train": 0, "val": 0, "test": 0}
    # What reads no training image is not refused for theirs.
    for spec in (spec_of(Reading, shots=0), spec_of(MajorityClass)):
        assert len(look(task, spec)[0].test) == len(task.data.dataset.rows("test"))


def test_what_only_decoding_shows_is_refused_before_the_next_split(settings, tiny_model, make_colours):
    folder = make_colours()
    for path in sorted((folder / "test").rglob("*.png"))[::4]:
        path.write_bytes(path.read_bytes()[:60])
    task = opened(folder, settings, tiny_model)
    with pytest.raises(DataError, match="test images cannot be read"):
        look(task, spec_of(Reading))
    assert stored(folder, settings, tiny_model)["train"] == stored(folder, settings, tiny_model)["val"] == 0


def test_few_shot_samples_are_drawn_from_images_that_are_there(settings, tiny_model, make_colours):
    folder = in_a_table(make_colours(train=8))
    for path in sorted((folder / "train").rglob("*.png"))[::2]:
        path.unlink()
    task = opened(folder, settings, tiny_model, max_unreadable=0.6)
    for seed in range(5):
        (rows,) = look(task, spec_of(Reading, shots=4, seed=seed))
        assert np.bincount(task.data.dataset.labels(rows.train)).tolist() == [4] * len(task.data.dataset.class_names)
        assert rows.unreadable == ()


def test_a_run_counts_its_own_unreadable_images(settings, tiny_model, make_colours):
    folder = make_colours()
    for split in ("train", "test"):
        next((folder / split).rglob("*.png")).write_bytes(b"no image")
    lenient = settings.model_copy(update={"max_unreadable": 0.2})
    runs = run_suite(suite_of(tiny_model, folder, "linear-probe", "zero-shot"), lenient)
    assert {run.recipe: run.metrics["unreadable_images"] for run in runs} == {
        "linear-probe": 2, "zero-shot": 1, "majority-class": 1
    }  # fmt: skip
    named = {run.recipe: FinishedRun.open(run.run_id, lenient).config["unreadable"] for run in runs}
    assert {recipe: len(found) for recipe, found in named.items()} == {
        "linear-probe": 2, "zero-shot": 1, "majority-class": 1
    }  # fmt: skip


def test_the_limit_is_one_of_the_split(settings, tiny_model, make_colours):
    folder = in_a_table(make_colours())
    gone = sorted((folder / "train").rglob("*.png"))
    gone[0].unlink()
    exact = 1 / len(gone)
    task = opened(folder, settings, tiny_model, max_unreadable=exact)
    assert len(look(task, spec_of(Reading))[0].train) == len(gone) - 1
    strict = opened(folder, settings, tiny_model, max_unreadable=exact * 0.99)
    with pytest.raises(DataError, match=f"1 of {len(gone)} train images"):
        look(strict, spec_of(Reading))
