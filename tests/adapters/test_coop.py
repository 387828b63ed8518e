"""Learned contexts: untrained they are the template, trained they classify, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from open_clip.transformer import TextTransformer

from adapters.coop import Coop, CoopSettings
from adapters.coop.context import ContextPrompts
from adapters.zero_shot import ZeroShot
from tests.models.tiny_foreign import WRITERS
from workbench.models import open_model
from workbench.plugin import ClassPrompts, Compute, RecipeError

FP32 = Compute("cpu", "fp32")
TEXT_TOWERS = ["vit", "efficientnet", "hf-text"]
FAST = {"epochs": 30, "learning_rate": 2e-2, "batch_size": 9, "scale": 50.0, "n_context": 4}
NAMES = ["red", "green red", "blue"]


def prompts(loaded, names=NAMES, **settings):
    defaults = {
        "words": None, "ending": ".", "count": 4, "position": "end", "class_specific": False, "compute": FP32,
    }  # fmt: skip
    return ContextPrompts(loaded, names, **{**defaults, **settings})


def encoded(loaded, texts):
    with torch.no_grad():
        return loaded.network.encode_text(loaded.tokenizer(texts), normalize=True)


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


@pytest.mark.parametrize("class_specific", [False, True])
@pytest.mark.parametrize("architecture", TEXT_TOWERS)
def test_an_untrained_context_from_a_template_is_the_template(model, architecture, class_specific):
    """CLIP's own text tower, the same as a module of its own, and a Hugging Face one; names of one and two words."""
    loaded = model(architecture).load()
    context = prompts(loaded, words="a photo of a", class_specific=class_specific)
    assert context.vectors.shape[-2:] == (4, 32)
    expected = encoded(loaded, [f"a photo of a {name}." for name in NAMES])
    torch.testing.assert_close(context.all(), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(context.sample(np.random.default_rng(0)).detach(), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", WRITERS)
def test_an_untrained_context_on_a_model_of_transformers_is_the_template(name, tmp_path, settings):
    loaded = open_model(f"local-dir:{WRITERS[name](tmp_path / name)}", settings).load()
    context = prompts(loaded, words="a photo of a")
    torch.testing.assert_close(
        context.all(), encoded(loaded, [f"a photo of a {name}." for name in NAMES]), atol=1e-5, rtol=1e-4
    )
    before = context.all()
    with torch.no_grad():
        context.vectors.normal_(generator=torch.Generator().manual_seed(0))
    assert float((context.all() - before).abs().max()) > 1e-3
    (gradient,) = torch.autograd.grad(context.sample(np.random.default_rng(0)).sum(), context.vectors)
    assert float(gradient.abs().max()) > 0


@pytest.mark.parametrize(
    "settings",
    [{"no_causal_mask": True, "pool_type": "last"}, {"embed_cls": True}, {"pool_type": "eos", "eos_id": 49407}],
)
def test_towers_that_mask_and_pool_otherwise(model, settings):
    """SigLIP's has no causal mask and reads the last token, CoCa's appends one of its own."""
    loaded = model("efficientnet").load()
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        loaded.network.text = TextTransformer(16, 49408, 32, 2, layers=2, output_dim=24, **settings).eval()
    context = prompts(loaded, words="a photo of a")
    torch.testing.assert_close(
        context.all(), encoded(loaded, [f"a photo of a {name}." for name in NAMES]), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("ending", ["", ".", " picture."])
def test_a_template_may_go_on_after_the_class(model, ending):
    loaded = model("vit").load()
    context = prompts(loaded, words="a photo of", ending=ending)
    expected = encoded(loaded, [f"a photo of {name}{ending}" for name in NAMES])
    torch.testing.assert_close(context.all(), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("ending", ["", "."])
@pytest.mark.parametrize("architecture", TEXT_TOWERS)
def test_in_the_middle_the_context_stands_on_both_sides_of_the_class(model, architecture, ending):
    """Vectors that are tokens' own embeddings give the sentence of those tokens."""
    loaded = model(architecture).load()
    context = prompts(loaded, words="a photo of a picture", ending=ending, position="middle")
    expected = encoded(loaded, [f"a photo {name} of a picture{ending}" for name in NAMES])
    torch.testing.assert_close(context.all(), expected, atol=1e-5, rtol=1e-4)


def test_many_classes_are_embedded_in_parts_and_alike(model):
    loaded = model("vit").load()
    names = [f"red {i}" for i in range(150)]
    together, alone = prompts(loaded, names, class_specific=True), prompts(loaded, names[140:141], class_specific=True)
    with torch.no_grad():
        alone.vectors.copy_(together.vectors[140:141])
    torch.testing.assert_close(together.all()[140:141], alone.all(), atol=1e-5, rtol=1e-4)


def test_the_tower_forgets_the_context_afterwards(model):
    loaded = model("hf-text").load()
    before = encoded(loaded, ["a photo of a red."])
    context = prompts(loaded)
    context.all()
    assert torch.equal(encoded(loaded, ["a photo of a red."]), before)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("vit", {}),
        ("vit", {"class_specific": True}),
        ("vit", {"position": "middle"}),
        ("hf-text", {"init_template": "a photo of a {}."}),
    ],
)
def test_learns_what_zero_shot_does_not_know(model, colour_task, architecture, settings):
    task, test = colour_task(model(architecture), train=8)
    predictor = Coop(CoopSettings(**FAST, **settings)).fit(task)
    assert accuracy(predictor, test) >= max(0.6, accuracy(ZeroShot(ZeroShot.Config()).fit(task), test) + 0.2)


def test_only_the_context_is_trained_and_it_reads_cached_features(model, colour_task, monkeypatch):
    network = model("vit")
    task, test = colour_task(network)
    loaded, base = network.load(), network.load().network.state_dict()
    monkeypatch.setattr(network, "load", lambda: loaded)
    for images in (task.train.images, task.val.images, test.images):
        assert images.features is not None
        monkeypatch.setattr(images, "decode", lambda _: pytest.fail("an image was decoded"))
    predictor = Coop(CoopSettings(**FAST)).fit(task)
    predictor.scores(test.images)
    for name, value in loaded.network.state_dict().items():
        assert torch.equal(value, base[name]), name
    assert predictor.report.trainable_parameters == 4 * 32
    assert predictor.context.shape == (4, 32)
    assert np.abs(predictor.context).max() > 0.1


def test_classes_are_what_the_learned_context_gives(model, colour_task):
    task, _ = colour_task(model("vit"))
    predictor = Coop(CoopSettings(class_specific=True, **FAST)).fit(task)
    again = prompts(task.model.load(), task.class_names, class_specific=True)
    with torch.no_grad():
        again.vectors.copy_(torch.from_numpy(predictor.context))
    np.testing.assert_allclose(again.all().numpy(), predictor.weight, atol=1e-5)


def test_saved_and_restored_scores_are_equal_whatever_the_batch(model, colour_task, tmp_path):
    task, test = colour_task(model("vit"), train=(5, 1, 0))
    predictor = Coop(CoopSettings(**{**FAST, "epochs": 2})).fit(task)
    whole = predictor.scores(test.images)
    assert whole.shape == (24, 3)
    np.testing.assert_allclose(predictor.scores(test.images.subset([7, 2])), whole[[7, 2]], atol=1e-4)
    folder = tmp_path / "predictor"
    folder.mkdir()
    predictor.save(folder)
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}
    restored = Coop.restore(folder, task.model, "cpu")
    np.testing.assert_array_equal(restored.scores(test.images), whole)
    np.testing.assert_array_equal(restored.context, predictor.context)


def test_the_seed_alone_decides(model, colour_task):
    network = model("vit")
    settings = CoopSettings(**{**FAST, "epochs": 2})
    first, again, other = (Coop(settings).fit(colour_task(network, seed=seed)[0]).context for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_multi_label_without_validation_and_with_refit(model, colour_task):
    network = model("vit")
    task, test = colour_task(network, train=16, val=6, multi_label=True, refit=True)
    predictor = Coop(CoopSettings(**FAST)).fit(task)
    assert predictor.report.trials[0]["val_nll"] < 1.5
    assert np.isfinite(predictor.scores(test.images)).all()
    task, test = colour_task(network, val=0)
    report = Coop(CoopSettings(**{**FAST, "epochs": 3})).fit(task).report
    assert report.chosen == {"epoch": 3}


def test_a_prompt_too_long_for_the_model_names_the_class(model, colour_task):
    task, _ = colour_task(model("vit"))
    names = ("red", "green", "blue as the sea on a day without wind")
    task = replace(task, class_names=names, prompts=ClassPrompts(names, ("a {}.",)))
    with pytest.raises(
        RecipeError, match=r"'blue as the sea.*has 2\d tokens.*more than the model's 16; lower n_context"
    ):
        Coop(CoopSettings(n_context=8)).fit(task)


def test_a_template_without_words_before_the_class_is_refused(model, colour_task):
    task, _ = colour_task(model("vit"))
    with pytest.raises(RecipeError, match="init_template: no words before the class name"):
        Coop(CoopSettings(init_template="{} in a photo.")).fit(task)


def test_a_text_tower_without_token_embeddings_is_refused(model):
    loaded = model("vit").load()
    loaded.network.token_embedding = torch.nn.Identity()
    with pytest.raises(RecipeError, match="no table of token embeddings"):
        prompts(loaded)


def test_no_training_images_is_an_error(model, colour_task):
    task, _ = colour_task(model("vit"), train=0)
    with pytest.raises(RecipeError, match="coop: there are no training images"):
        Coop(CoopSettings()).fit(task)


@pytest.mark.parametrize(
    "wrong",
    [{"n_context": 0}, {"position": "front"}, {"init_template": "a photo"}, {"flip": False}, {"prompts": "single"}],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CoopSettings(**wrong)
