"""Fine-tuning as another recipe would use it: layer norms instead of adapters, and prompts through the text tower."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.features import CachedModel, FeatureStore
from workbench.models import open_model
from workbench.plugin import (
    ClassificationTask,
    ClassPrompts,
    Compute,
    EncoderClassifier,
    Features,
    ImageSet,
    LabelledImages,
    TrainingSettings,
    class_embeddings,
    fine_tune,
)
from workbench.training._class_texts import ClassTexts

FP32 = Compute("cpu", "fp32")
SENTENCES = [["a red thing.", "red", "something that is red"], ["blue"], ["a green one.", "green"]]


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads only get in each other's way on networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model(settings, tiny_model):
    return CachedModel(open_model(tiny_model, settings), FeatureStore(settings.cache))


@pytest.fixture
def task(model):
    names, rng = ("dark", "bright"), np.random.default_rng(0)

    def images(count):
        labels = np.arange(count) % 2
        levels = np.array([70, 180])[labels][:, None, None, None] + rng.normal(0, 20, (count, 36, 36, 3))
        pictures = [Image.fromarray(own.clip(0, 255).astype(np.uint8)) for own in levels]

        def features():
            loaded = model.load()
            with torch.no_grad():
                found = loaded.image_features(torch.stack([loaded.preprocess(picture) for picture in pictures]))
            return Features(*(own.numpy() for own in found))

        return LabelledImages(ImageSet(count, features, pictures.__getitem__), labels)

    return ClassificationTask(
        dataset="light", class_names=names, prompts=ClassPrompts(names, ("a {} photo.",)), train=images(16),
        val=images(8), model=model, multi_label=False, shots=None, seed=0, device="cpu",
    )  # fmt: skip


def norms(loaded, tower):
    return {
        name: parameter.requires_grad_()
        for name, parameter in loaded.network.named_parameters()
        if ".ln_" in name and name.startswith("visual.") == (tower == "image")
    }


@pytest.mark.parametrize(("tower", "epochs"), [("image", 12), ("text", 60)])
def test_any_parameters_can_be_trained(task, tower, epochs):
    loaded = task.model.load()
    settings = TrainingSettings(epochs=epochs, batch_size=8, scale=20.0, patience=None)
    tuned = fine_tune(
        loaded, norms(loaded, tower), task, settings, FP32,
        learning_rate=2e-2, image=tower == "image", text=tower == "text",
    )  # fmt: skip
    network = loaded if tower == "image" else None
    predictor = EncoderClassifier(network, FP32, tuned.classes, scale=tuned.scale, bias=tuned.bias, report=tuned.report)
    assert (predictor.scores(task.train.images).argmax(axis=1) == task.train.labels).all()
    accuracies = [trial["val_accuracy"] for trial in tuned.report.trials]
    assert accuracies[tuned.report.chosen["epoch"]] == max(accuracies) > accuracies[0]


@pytest.mark.parametrize(("given", "epochs"), [({}, 60), ({"min_steps": 20}, 20), ({"min_steps": 2}, 12)])
def test_few_images_are_shown_more_often(task, given, epochs):
    loaded = task.model.load()
    tuned = fine_tune(
        loaded, norms(loaded, "text"), task, TrainingSettings(**given), FP32,
        learning_rate=1e-3, image=False, text=True,
    )  # fmt: skip
    assert len(tuned.report.history["train_loss"]) == epochs


def trained(task, tower, **options):
    loaded = task.model.load()
    parameters = norms(loaded, tower)
    settings = TrainingSettings(epochs=2, batch_size=8, scale=20.0, min_crop=1, **options)
    tuned = fine_tune(
        loaded, parameters, task, settings, FP32,
        learning_rate=1e-2, image=tower == "image", text=tower == "text",
    )  # fmt: skip
    assert not any(getattr(part, "grad_checkpointing", False) for part in loaded.network.modules())
    return tuned.report.history["train_loss"], {name: own.detach() for name, own in parameters.items()}


@pytest.mark.parametrize(
    ("tower", "options"),
    [("image", {"micro_batch_size": 3}), ("text", {"micro_batch_size": 3}), ("image", {"checkpointing": True})],
)
def test_what_saves_memory_changes_nothing(task, tower, options):
    task = replace(task, prompts=ClassPrompts(task.class_names, ("a {} photo.", "{}", "one {} picture")))
    losses, weights = trained(task, tower)
    cheaper_losses, cheaper_weights = trained(task, tower, **options)
    assert cheaper_losses == pytest.approx(losses, rel=1e-5)
    torch.testing.assert_close(cheaper_weights, weights, atol=2e-5, rtol=1e-4)


def test_fewer_activations_are_kept(task):
    def kept(**options):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
            trained(task, "image", **options)
        return sum(sizes)

    assert kept(checkpointing=True) < 0.7 * kept()


def test_a_compiled_tower_learns_the_same(task, monkeypatch):
    # Traced and differentiated as ever; code for this machine would take a minute to make.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    losses, weights = trained(task, "image")
    compiled_losses, compiled_weights = trained(task, "image", compile=True)
    assert compiled_losses == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(compiled_weights, weights, atol=1e-4, rtol=1e-3)


def test_class_texts_are_what_zero_shot_uses(model):
    texts = ClassTexts(model.load(), SENTENCES, FP32)
    np.testing.assert_allclose(texts.all().numpy(), class_embeddings(model, SENTENCES), atol=1e-5)


def test_a_step_sees_one_sentence_of_each_class(model):
    texts = ClassTexts(model.load(), SENTENCES, FP32)
    embedded = [torch.from_numpy(model.encode_texts(own)) for own in SENTENCES]
    rng, seen = np.random.default_rng(0), set()
    with torch.no_grad():
        for _ in range(30):
            drawn = texts.sample(rng)
            nearest = [int((own @ row / own.norm(dim=1)).argmax()) for own, row in zip(embedded, drawn, strict=True)]
            for own, row, index in zip(embedded, drawn, nearest, strict=True):
                torch.testing.assert_close(row, own[index] / own[index].norm(), atol=1e-5, rtol=1e-4)
            seen.add(tuple(nearest))
    assert seen == {(i, 0, j) for i in range(3) for j in range(2)}
