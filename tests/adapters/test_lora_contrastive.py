"""Adapters trained on pairs: they learn, are saved, restored and merged."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from adapters.lora.contrastive import LoraContrastive, LoraContrastiveSettings
from workbench.errors import RecipeError
from workbench.features import CachedModel, FeatureStore
from workbench.images import Features, ImageSet
from workbench.models import open_model
from workbench.tasks import CaptionedImages, RetrievalTask, tasks_of

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200)}


@pytest.fixture
def task(tiny_model, settings):
    encoder = open_model(tiny_model, settings)

    def images(count, seed):
        rng = np.random.default_rng(seed)
        label = np.arange(count) % len(COLOURS)
        shades = np.array(list(COLOURS.values()))[label][:, None, None]
        pixels = np.clip(shades + rng.normal(0, 30, (count, 32, 32, 3)), 0, 255).astype(np.uint8)
        zeros = np.ones((count, 24), np.float32)
        features = Features(zeros, zeros)
        pairs = np.column_stack([np.arange(count), label])
        found = ImageSet(count, lambda: features, lambda i: Image.fromarray(pixels[i]))
        return CaptionedImages(found, tuple(f"something {colour}" for colour in COLOURS), pairs)

    model = CachedModel(encoder, FeatureStore(settings.cache))
    return RetrievalTask(
        dataset="x", model=model, shots=None, seed=0, device="cpu", train=images(30, 0), val=images(9, 1)
    )


def recall(predictor, data):
    x, y = predictor.embed_images(data.images), predictor.embed_texts(data.texts)
    x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
    return ((x @ y.T).argmax(axis=1) == data.positives[:, 1]).mean()


@pytest.mark.parametrize(("loss", "towers"), [("contrastive", "image"), ("sigmoid", "both")])
def test_it_learns_and_comes_back_as_it_was(task, tmp_path, loss, towers):
    config = LoraContrastiveSettings(
        loss=loss, towers=towers, epochs=15, batch_size=10, learning_rate=1e-2, precision="fp32"
    )
    predictor = LoraContrastive(config).fit_image_text(task)
    assert recall(predictor, task.val) > 0.8
    assert predictor.report.trials[0]["val_map"] <= max(trial["val_map"] for trial in predictor.report.trials)
    predictor.save(tmp_path)
    again = LoraContrastive.restore_image_text(tmp_path, task.model, "cpu")
    np.testing.assert_allclose(
        again.embed_images(task.val.images), predictor.embed_images(task.val.images), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        again.embed_texts(["a", "b c"]), predictor.embed_texts(["a", "b c"]), rtol=1e-4, atol=1e-5
    )
    assert (again.scale, again.bias) == (pytest.approx(predictor.scale), pytest.approx(predictor.bias))
    if loss == "contrastive":
        merged = predictor.merged(task.model)
        assert merged.logit_scale == pytest.approx(predictor.scale, rel=1e-4)


def test_classification_is_lora_s():
    assert "classification" not in tasks_of(LoraContrastive)
    assert "retrieval" in tasks_of(LoraContrastive)


def without_texts(data):
    return CaptionedImages(data.images, (), data.positives[:0])


def test_images_without_texts_are_no_validation(task):
    config = LoraContrastiveSettings(epochs=1, batch_size=10, precision="fp32")
    predictor = LoraContrastive(config).fit_image_text(replace(task, val=without_texts(task.val)))
    assert predictor.report.chosen["epoch"] == 1
    assert predictor.report.notes == ("No validation image has a text, so the last epoch was kept.",)
    with pytest.raises(RecipeError, match="lora-contrastive: no training image has a text"):
        LoraContrastive(config).fit_image_text(replace(task, train=without_texts(task.train)))


@pytest.mark.parametrize("towers", ["image", "text", "both"])
def test_batches_may_have_no_text(task, towers):
    few = CaptionedImages(task.train.images, task.train.texts[:1], task.train.positives[:1])
    config = LoraContrastiveSettings(towers=towers, epochs=2, batch_size=10, precision="fp32")
    predictor = LoraContrastive(config).fit_image_text(replace(task, train=few))
    assert np.isfinite(predictor.report.history["train_loss"]).all()
