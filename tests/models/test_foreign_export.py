"""LoRA on a model of transformers: it changes nothing at first, merges, and goes back into the library's own format."""

import numpy as np
import pytest
import torch

from tests.models.test_foreign import TEXTS, picture
from tests.models.tiny_foreign import WRITERS
from workbench.errors import ModelError
from workbench.features import CachedModel, FeatureStore
from workbench.models import open_model, save_checkpoint
from workbench.plugin import Compute
from workbench.training.lora import AdaptedModel


@pytest.mark.parametrize("name", WRITERS)
def test_lora_merges_and_reloads_in_transformers(name, tmp_path, settings):
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    folder = WRITERS[name](tmp_path / name)
    encoder = open_model(f"local-dir:{folder}", settings)
    model = CachedModel(encoder, FeatureStore.of(settings))
    compute = Compute.resolve("cpu", "fp32", "fp32")
    adapted = AdaptedModel.create(model, compute, ("image", "text"), None, rank=2, alpha=4, dropout=0.0)
    pixels = torch.stack([encoder.preprocess(picture(seed)) for seed in range(2)])
    tokens = adapted.loaded.tokenizer(TEXTS)

    def both(loaded):
        with torch.inference_mode():
            return loaded.image_features(pixels)[1].numpy(), loaded.text_features(tokens).numpy()

    before = both(adapted.loaded)
    np.testing.assert_allclose(before[0], encoder.encode_images(pixels).projected, atol=1e-6)
    np.testing.assert_allclose(before[1], encoder.encode_texts(TEXTS), atol=1e-5)
    kinds = {key.split(".lora_")[0].rsplit(".", 1)[1] for key in adapted.parameters()}
    assert {"q_proj", "v_proj"} <= kinds or {"query", "value"} <= kinds
    with torch.no_grad():
        for key, parameter in adapted.parameters().items():
            if "lora_B" in key:
                parameter.normal_(std=0.1)
    changed = both(adapted.loaded)
    assert np.abs(changed[0] - before[0]).max() > 1e-3
    assert np.abs(changed[1] - before[1]).max() > 1e-3

    merged = adapted.merged(model, 12.5)
    save_checkpoint(merged, tmp_path / "out", encoder)
    whole = AutoModel.from_pretrained(tmp_path / "out").eval()
    processor = AutoImageProcessor.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    inputs = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=tokens.shape[1], return_tensors="pt")
    with torch.inference_mode():
        images = whole.get_image_features(**processor(images=[picture(0), picture(1)], return_tensors="pt"))
        texts = whole.get_text_features(**inputs)
    np.testing.assert_allclose(images.pooler_output.numpy(), changed[0], atol=1e-5)
    np.testing.assert_allclose(texts.pooler_output.numpy(), changed[1], atol=1e-5)
    assert float(whole.logit_scale.detach().exp()) == pytest.approx(12.5)
    with pytest.raises(ModelError, match="there is a checkpoint already"):
        save_checkpoint(merged, tmp_path / "out", encoder)
