"""Models in the formats of transformers and timm give what those libraries give."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.models.tiny_foreign import WRITERS, write_dinov2, write_siglip2, write_timm
from workbench.errors import ModelError
from workbench.models import open_model
from workbench.models.languages import check_language

TEXTS = ["a photo of a cat.", "dog", "two red dogs of the blue photo"]


def picture(seed: int = 0, size: tuple[int, int] = (47, 61)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("foreign")
    made = {name: write(root / name) for name, write in WRITERS.items()}
    return made | {"dinov2": write_dinov2(root / "dinov2"), "timm": write_timm(root / "timm")}


@pytest.mark.parametrize("name", WRITERS)
def test_features_are_those_of_transformers(name, folders, settings):
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    encoder = open_model(f"local-dir:{folders[name]}", settings)
    model = AutoModel.from_pretrained(folders[name]).eval()
    processor = AutoImageProcessor.from_pretrained(folders[name])
    tokenizer = AutoTokenizer.from_pretrained(folders[name])
    pictures = [picture(seed) for seed in range(3)]
    inputs = tokenizer(
        TEXTS, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
    )
    with torch.inference_mode():
        images = model.get_image_features(**processor(images=pictures, return_tensors="pt")).pooler_output
        texts = model.get_text_features(**inputs).pooler_output
        pooled = model.vision_model(**processor(images=pictures, return_tensors="pt")).pooler_output
    features = encoder.encode_images(torch.stack([encoder.preprocess(image) for image in pictures]))
    np.testing.assert_allclose(features.projected, images.numpy(), atol=1e-5)
    np.testing.assert_allclose(features.pooled, pooled.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts.numpy(), atol=1e-5)
    assert encoder.logit_scale == pytest.approx(float(model.logit_scale.detach().exp()))
    assert encoder.logit_bias == pytest.approx(float(getattr(model, "logit_bias", torch.zeros(1)).detach()))
    assert len({tuple(row) for row in np.round(features.projected, 4).tolist()}) == 3


def test_pictures_in_their_own_proportions(tmp_path, settings):
    """SigLIP 2's NaFlex: patches of every picture's own grid, in one batch."""
    from transformers import AutoImageProcessor, AutoModel

    folder = write_siglip2(tmp_path / "siglip2")
    encoder = open_model(f"local-dir:{folder}", settings)
    model, processor = AutoModel.from_pretrained(folder).eval(), AutoImageProcessor.from_pretrained(folder)
    pictures = [picture(0, (40, 40)), picture(1, (24, 90)), picture(2, (90, 30))]
    inputs = processor(images=pictures, return_tensors="pt")
    assert len({tuple(shape) for shape in inputs["spatial_shapes"].tolist()}) == 3
    with torch.inference_mode():
        theirs = model.get_image_features(**inputs).pooler_output.numpy()
    ours = encoder.encode_images(torch.stack([encoder.preprocess(image) for image in pictures]))
    np.testing.assert_allclose(ours.projected, theirs, atol=1e-5)
    assert "NaFlex" in (encoder.load().frozen_reason or "")
    half = open_model(f"local-dir:{folder}", settings.model_copy(update={"precision": "bf16"}))
    nearly = half.encode_images(torch.stack([half.preprocess(image) for image in pictures])).projected
    cosines = (nearly * theirs).sum(axis=1) / np.linalg.norm(nearly, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() > 0.995


def test_texts_of_other_lengths_do_not_change_one_another(folders, settings):
    for name in WRITERS:
        encoder = open_model(f"local-dir:{folders[name]}", settings)
        together = encoder.encode_texts(TEXTS)
        alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
        np.testing.assert_allclose(together, alone, atol=1e-5)


def test_image_towers_of_transformers_and_timm(folders, settings):
    import timm
    from transformers import AutoImageProcessor, AutoModel

    rad = open_model(f"local-dir:{folders['dinov2']}", settings)
    model, processor = (
        AutoModel.from_pretrained(folders["dinov2"]).eval(),
        AutoImageProcessor.from_pretrained(folders["dinov2"]),
    )
    with torch.inference_mode():
        theirs = model(**processor(images=[picture()], return_tensors="pt")).pooler_output.numpy()
    np.testing.assert_allclose(rad.encode_images(rad.preprocess(picture())[None]).pooled, theirs, atol=1e-5)

    tower = open_model(f"local-dir:{folders['timm']}", settings)
    network = timm.create_model(f"local-dir:{folders['timm']}", pretrained=True, num_classes=0).eval()
    pixels = tower.preprocess(picture())[None]
    assert pixels.shape == (1, 3, 64, 64)
    with torch.inference_mode():
        theirs = network(pixels).numpy()
    np.testing.assert_allclose(tower.encode_images(pixels).projected, theirs, atol=1e-5)
    for encoder in (rad, tower):
        with pytest.raises(ModelError, match=r"it has no text tower, and texts are asked for, such as 'dog'"):
            encoder.encode_texts(["dog"])
        assert check_language(encoder, "ja") is None


def test_what_a_folder_holds_is_recognised(folders, settings, tmp_path):
    """No message speaks of open_clip's file where another library wrote the folder."""
    clip = folders["clip"]
    for lost, words in (
        ("model.safetensors", "holds no weights"),
        ("preprocessor_config.json", "no image processor"),
        ("tokenizer.json", "no tokenizer"),
    ):
        copy = tmp_path / lost
        shutil.copytree(clip, copy)
        (copy / lost).unlink()
        with pytest.raises(ModelError, match=words) as error:
            open_model(f"local-dir:{copy}", settings)
        assert "open_clip" not in str(error.value)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    with pytest.raises(ModelError, match="an adapter of peft for org/base"):
        open_model(f"local-dir:{adapter}", settings)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_text("")
    with pytest.raises(ModelError, match=r"no model that is known \(it holds notes\.md\)"):
        open_model(f"local-dir:{tmp_path / 'other'}", settings)
    code = tmp_path / "code"
    shutil.copytree(clip, code)
    config = json.loads((code / "config.json").read_text())
    (code / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(ModelError, match="'auto_map', by which it wants to run code"):
        open_model(f"local-dir:{code}", settings)


def test_weights_that_lack_something_are_refused(folders, settings, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "copy"
    shutil.copytree(folders["clip"], copy)
    state = load_file(copy / "model.safetensors")
    state.pop("visual_projection.weight")
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 weights, such as 'visual_projection\.weight'"):
        open_model(f"local-dir:{copy}", settings)


def test_unknown_names_of_timm(settings):
    with pytest.raises(ModelError, match=r"timm knows no architecture 'vit_base_patch16_244'.*vit_base_patch16_224"):
        open_model("timm:vit_base_patch16_244", settings)
    with pytest.raises(ModelError, match="has no pretrained tag 'augreg9'"):
        open_model("timm:vit_base_patch16_224.augreg9", settings)
