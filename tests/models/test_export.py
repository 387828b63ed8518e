import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peft
import pytest
import torch

from workbench.errors import ModelError
from workbench.models import LoadedModel, open_model, save_checkpoint, split_attention
from workbench.settings import Settings

Load = Callable[[str], LoadedModel]

STOCK = """
import sys, numpy, open_clip, torch
out = {}
for folder in sys.argv[2:]:
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    size = model.visual.image_size
    size = (size, size) if isinstance(size, int) else size
    pixels = torch.linspace(-1, 1, 2 * 3 * size[0] * size[1]).reshape(2, 3, *size)
    with torch.inference_mode():
        out[f"{folder} image"] = model.encode_image(pixels, normalize=False).numpy()
        out[f"{folder} text"] = model.encode_text(
            tokenizer(["a cat", "two dogs on a road"]), normalize=False
        ).numpy()
    out[f"{folder} transform"] = numpy.array(repr(transform))
numpy.savez(sys.argv[1], **out)
"""


def in_a_fresh_process(tmp_path: Path, *folders: Path) -> dict[str, np.ndarray]:
    """What stock open_clip, without the workbench, computes from the checkpoints."""
    target = tmp_path / "stock.npz"
    subprocess.run([sys.executable, "-c", STOCK, str(target), *map(str, folders)], check=True, capture_output=True)
    with np.load(target) as found:
        return dict(found)


def check(found: dict[str, np.ndarray], folder: Path, loaded: LoadedModel) -> None:
    pixels = torch.linspace(-1, 1, 2 * 3 * loaded.image_size[0] * loaded.image_size[1])
    with torch.inference_mode():
        image = loaded.image_features(pixels.reshape(2, 3, *loaded.image_size))[1]
        text = loaded.text_features(loaded.tokenizer(["a cat", "two dogs on a road"]))
    np.testing.assert_allclose(found[f"{folder} image"], image.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[f"{folder} text"], text.numpy(), rtol=1e-4, atol=1e-5)
    assert str(found[f"{folder} transform"]) == repr(loaded.preprocess)


def adapt(loaded: LoadedModel, targets: list[str]) -> None:
    """Random adapters, merged."""
    split_attention(loaded.network)
    config = peft.LoraConfig(r=2, target_modules=targets, init_lora_weights=False)
    loaded.network = peft.get_peft_model(loaded.network, config).merge_and_unload()


@pytest.mark.slow
def test_stock_open_clip_loads_what_was_exported_with_equal_outputs(tmp_path: Path, load_tiny: Load) -> None:
    exported = {}
    for family in ("vit", "resnet", "coca", "timm-linear", "timm-none", "hf-text"):
        loaded = load_tiny(family)
        if family in {"vit", "resnet"}:
            adapt(loaded, ["q_proj", "v_proj", "out_proj", "c_proj"])
        save_checkpoint(loaded, tmp_path / family)
        exported[tmp_path / family] = loaded
    found = in_a_fresh_process(tmp_path, *exported)
    for folder, loaded in exported.items():
        check(found, folder, loaded)


def test_an_export_is_a_model_of_the_workbench_too(tmp_path: Path, load_tiny: Load, settings: Settings) -> None:
    loaded = load_tiny("vit")
    adapt(loaded, ["q_proj"])
    save_checkpoint(loaded, tmp_path / "adapted")
    encoder = open_model(f"local-dir:{tmp_path / 'adapted'}", settings)
    pixels = torch.randn(2, 3, 32, 32)
    np.testing.assert_allclose(
        encoder.encode_images(pixels).projected, loaded.image_features(pixels)[1].detach(), rtol=1e-4, atol=1e-5
    )


def test_what_is_written_beside_the_weights(tmp_path: Path, load_tiny: Load) -> None:
    loaded = load_tiny("hf-text")
    save_checkpoint(loaded, tmp_path / "hf")
    config = json.loads((tmp_path / "hf" / "open_clip_config.json").read_text())
    assert config["model_cfg"]["text_cfg"]["hf_model_name"] == str(tmp_path / "hf")
    assert config["preprocess_cfg"]["mean"] == [0.5, 0.4, 0.3]
    assert "hf_model_name" in (tmp_path / "hf" / "README.md").read_text()
    assert {"config.json", "tokenizer.json", "tokenizer_config.json"} <= {p.name for p in (tmp_path / "hf").iterdir()}
    save_checkpoint(load_tiny("vit"), tmp_path / "vit")
    assert {p.name for p in (tmp_path / "vit").iterdir()} == {
        "open_clip_config.json", "open_clip_model.safetensors", "README.md",
    }  # fmt: skip
    assert "hf_model_name" not in (tmp_path / "vit" / "README.md").read_text()


def test_a_text_tower_of_the_hub_keeps_its_hub_name(tmp_path: Path, load_tiny: Load) -> None:
    loaded = load_tiny("hf-text")
    loaded.config["text_cfg"] = {
        **loaded.config["text_cfg"],
        "hf_model_name": "org/text",
        "hf_tokenizer_name": "org/text",
    }
    save_checkpoint(loaded, tmp_path / "hf")
    config = json.loads((tmp_path / "hf" / "open_clip_config.json").read_text())
    assert config["model_cfg"]["text_cfg"]["hf_model_name"] == "org/text"


def test_unmerged_adapters_are_not_exported(tmp_path: Path, load_tiny: Load) -> None:
    loaded = load_tiny("timm-linear")
    config = peft.LoraConfig(r=2, target_modules=["proj"], init_lora_weights=False)
    peft.inject_adapter_in_model(config, loaded.network)
    with pytest.raises(ModelError, match="do not fit the architecture"):
        save_checkpoint(loaded, tmp_path / "out")


def test_an_export_that_would_say_something_else_is_reported(tmp_path: Path, load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    loaded.config = {**loaded.config, "quick_gelu": False}
    with pytest.raises(ModelError, match="gives other image features"):
        save_checkpoint(loaded, tmp_path / "out")


def test_a_checkpoint_is_never_overwritten(tmp_path: Path, load_tiny: Load) -> None:
    save_checkpoint(load_tiny("vit"), tmp_path / "out")
    with pytest.raises(ModelError, match="there is a checkpoint already"):
        save_checkpoint(load_tiny("vit"), tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, load_tiny: Load) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="file/out: the checkpoint could not be written"):
        save_checkpoint(load_tiny("vit"), tmp_path / "file" / "out")


def test_what_cannot_be_exported_says_why(tmp_path: Path, load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    loaded.frozen_reason = "it has no head"
    with pytest.raises(ModelError, match="it has no head"):
        save_checkpoint(loaded, tmp_path / "out")
    assert not (tmp_path / "out").exists()
