"""Build `offline-lite` once as a checkpoint in open_clip's own layout."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.models.offline_lite import alignment, towers
from workbench.models.offline_lite.built import build_once

VERSION = "4"
LOGIT_SCALE = 30.0
"""Set by hand: CLIP learns its scale with its towers; at this one low-rank adapters of these towers train well."""

WEIGHTS = "open_clip_model.safetensors"
CONSE = "conse/classifier.safetensors"
"""ImageNet's classifier and the embeddings of its class names; beside the checkpoint, which does not need them."""

_CONFIG = "open_clip_config.json"
IMAGE_SIZE = 224
_EMBED_DIM = 384
_CONTEXT = 128
PREPROCESS: dict[str, Any] = {
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
TEXT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def folder(cache: Path) -> Path:
    """The checkpoint's folder, in open_clip's `local-dir:` layout; built on first use.

    Raises:
        ModelError: A tower's package is missing or damaged, or the cache cannot be written.
    """
    pins = f"{towers.IMAGE_SHA256}{towers.TEXT_SHA256}{VERSION}"
    return build_once(cache, "offline-lite", pins, _write)


def config(place: Path) -> dict[str, Any]:
    """open_clip's configuration; the text tower's own configuration and tokenizer lie in `place`."""
    return {
        "model_cfg": {
            "embed_dim": _EMBED_DIM,
            "vision_cfg": {
                "timm_model_name": "tf_efficientnet_lite0",
                "timm_model_pretrained": False,
                "timm_pool": "avg",
                "timm_proj": "linear",
                "image_size": IMAGE_SIZE,
            },
            "text_cfg": {
                "hf_model_name": str(place),
                "hf_tokenizer_name": str(place),
                "hf_model_pretrained": False,
                "hf_pooler_type": "mean_pooler",
                "hf_proj_type": None,  # open_clip adds an untrained projection otherwise
                "context_length": _CONTEXT,
            },
            "custom_text": True,
        },
        "preprocess_cfg": {**PREPROCESS, "size": IMAGE_SIZE},
    }


def _write(work: Path, target: Path) -> None:
    from safetensors.torch import save_file

    for name in TEXT_FILES:
        shutil.copyfile(towers.text_folder() / name, work / name)
    image = towers.image_tower().state_dict()
    weight = image.pop("classifier.weight")
    bias = image.pop("classifier.bias")
    network = _joined(work, image)
    names = _embed_names(network, work)
    projection, _ = alignment.align(weight.double().numpy(), names.double().numpy())
    with torch.no_grad():
        network.visual.head.proj.weight.copy_(torch.from_numpy(projection.T))
        network.logit_scale.fill_(math.log(LOGIT_SCALE))
    (work / CONSE).parent.mkdir()
    save_file({"weight": weight, "bias": bias, "names": names}, work / CONSE)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, work / WEIGHTS)
    (work / _CONFIG).write_text(json.dumps(config(target), indent=2), encoding="utf-8")


def _joined(work: Path, image: dict[str, Tensor]) -> Any:
    """Both towers with their weights in open_clip's model; projection and scale are yet to be set."""
    from open_clip.model import CustomTextCLIP
    from safetensors.torch import load_file

    model_cfg = config(work)["model_cfg"]
    network = CustomTextCLIP(_EMBED_DIM, model_cfg["vision_cfg"], model_cfg["text_cfg"]).eval()
    network.visual.trunk.load_state_dict(image)
    text = load_file(towers.text_folder() / "model.safetensors")
    # Position ids are a constant that newer transformers do not store; the pooler is not used.
    text = {k: v for k, v in text.items() if not k.endswith("position_ids") and not k.startswith("pooler.")}
    network.text.transformer.load_state_dict(text)
    return network


def _embed_names(network: Any, tokenizer_folder: Path) -> Tensor:
    """Unit-norm embeddings (1000, 384) of "a photo of a {class}." for ImageNet's classes."""
    from open_clip.tokenizer import HFTokenizer

    tokenizer = HFTokenizer(str(tokenizer_folder), context_length=32)
    tokens = tokenizer([f"a photo of a {name}." for name in towers.class_names()])
    with torch.no_grad():
        return torch.cat([F.normalize(network.encode_text(part), dim=1) for part in tokens.split(200)])
