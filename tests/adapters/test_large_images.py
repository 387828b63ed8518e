"""Features that are read in blocks give the solution that they give in memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters._heads import large_images
from adapters._heads.folds import units
from adapters._heads.images import Images
from adapters._heads.large_images import LargeImages
from adapters.gda import Gda, GdaConfig
from adapters.knn import Knn
from adapters.linear_probe import LinearProbe, LinearProbeConfig
from adapters.nearest_class_mean import NearestClassMean
from workbench.plugin import LabelledImages
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.testing import planted_task

SETTINGS = {"penalties": (1e-3, 1e-2, 1e-1), "tolerance": 1e-6, "sweep_tolerance": 1e-6}


@pytest.fixture
def in_blocks(monkeypatch):
    """From here on all images are too large for memory, and a block has few of them."""

    def begin() -> None:
        monkeypatch.setattr(large_images, "SHARE", 0.0)
        monkeypatch.setattr(LargeImages, "blocks", _few_at_a_time(LargeImages.blocks))

    return begin


def _few_at_a_time(blocks):
    def some(self, space, points=1):
        for start in range(0, len(self), 7):
            yield from blocks(self.take(np.arange(start, min(start + 7, len(self)))), space, points)

    return some


def task_of(kind):
    task, test = planted_task(n_classes=4, shots=10, val_shots=5 if kind != "folds" else 0, dim=12, noise=1.5)
    if kind == "several labels":
        task = replace(task, multi_label=True, train=several(task.train), val=several(task.val, unknown=False))
    if kind == "class without images":
        keep = np.flatnonzero(task.train.labels != 2)
        task = replace(task, train=LabelledImages(task.train.images.subset(keep), task.train.labels[keep]))
    if kind == "folds and made validation":
        task = replace(task, val_made=True, shots=None)
    return task, test


def several(part, *, unknown=True):
    hot = np.eye(4, dtype=np.float32)[part.labels]
    hot[::3, 0] = 1
    if unknown:
        hot[1::4, 3] = np.nan
    return LabelledImages(part.images, hot)


KINDS = ["validation", "folds", "folds and made validation", "several labels", "class without images"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_in_blocks_is_the_probe_in_memory(kind, in_blocks):
    task, test = task_of(kind)
    recipe = LinearProbe(LinearProbeConfig(**SETTINGS))
    whole = recipe.fit(task)
    in_blocks()
    streamed = recipe.fit(task)
    assert streamed.report.chosen == whole.report.chosen
    assert streamed.report.trainable_parameters == whole.report.trainable_parameters
    assert streamed.report.notes == whole.report.notes
    for a, b in zip(streamed.report.trials, whole.report.trials, strict=True):
        assert a == pytest.approx(b, abs=1e-4)
    np.testing.assert_allclose(streamed.scores(test.images), whole.scores(test.images), atol=2e-3)


@pytest.mark.parametrize("kind", ["validation", "folds", "class without images"])
def test_a_discriminant_in_blocks_is_that_in_memory(kind, in_blocks):
    task, test = task_of(kind)
    recipe = Gda(GdaConfig(text_weights=(1.0, 0.0), alphas=(0.01, 0.1, 1.0)))
    whole = recipe.fit(task)
    in_blocks()
    streamed = recipe.fit(task)
    assert streamed.report.chosen == whole.report.chosen
    for a, b in zip(streamed.report.trials, whole.report.trials, strict=True):
        assert a == pytest.approx(b, abs=1e-6)
    np.testing.assert_allclose(streamed.scores(test.images), whole.scores(test.images), atol=1e-3)


def test_the_default_settings_agree_to_their_tolerance(in_blocks):
    task, test = task_of("validation")
    whole = LinearProbe(LinearProbeConfig()).fit(task).scores(test.images)
    in_blocks()
    streamed = LinearProbe(LinearProbeConfig()).fit(task).scores(test.images)
    assert np.abs(streamed - whole).max() < 0.01 * np.abs(whole).max()


@pytest.mark.parametrize("kind", ["validation", "folds", "class without images"])
def test_class_means_in_blocks_are_those_in_memory(kind, in_blocks):
    task, test = task_of(kind)
    recipe = NearestClassMean(NearestClassMean.Config())
    whole = recipe.fit(task)
    in_blocks()
    streamed = recipe.fit(task)
    assert streamed.report.chosen == whole.report.chosen
    np.testing.assert_allclose(streamed.scores(test.images), whole.scores(test.images), atol=1e-5)


def test_other_recipes_gather_what_they_need(in_blocks):
    task, test = task_of("validation")
    recipe = Knn(Knn.Config())
    whole = recipe.fit(task).scores(test.images)
    in_blocks()
    np.testing.assert_array_equal(recipe.fit(task).scores(test.images), whole)


def test_large_images_are_the_images():
    task, _ = task_of("validation")
    parts = [task.train, task.val]
    large = LargeImages(parts, 4, "cpu").take(np.array([3, 50, 0, 41, 59]))
    small = (Images.of(task.train, 4, "cpu") + Images.of(task.val, 4, "cpu")).take([3, 50, 0, 41, 59])
    both = LargeImages([task.train], 4, "cpu") + LargeImages([task.val], 4, "cpu")
    for name in ("pooled", "projected", "target", "lengths"):
        assert torch.equal(getattr(large, name), getattr(small, name))
        assert torch.equal(getattr(both.take([3, 50, 0, 41, 59]), name), getattr(small, name))
    features = [part.images.features.pooled for part in parts]
    np.testing.assert_array_equal(units(features, None), units(np.concatenate(features), None))


def test_a_run_on_features_in_files_gives_the_numbers_of_one_in_memory(
    settings, tiny_model, make_colours, in_blocks, monkeypatch
):
    entry = RecipeEntry(recipe="linear-probe", config={"penalties": [1e-3, 1e-2]})
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(make_colours()),), recipes=(entry,), figures=False)

    def metrics() -> dict[str, float]:
        (run,) = (run for run in run_suite(suite, settings, fresh=True) if run.recipe == "linear-probe")
        return {name: value for name, value in run.metrics.items() if name in {"accuracy", "nll", "auroc"}}

    in_memory = metrics()
    monkeypatch.setattr("workbench.features._scratch.SHARE", 0.0)
    in_blocks()
    assert metrics() == pytest.approx(in_memory, abs=1e-3)
