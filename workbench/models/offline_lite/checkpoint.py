"""Build `offline-lite` once as a checkpoint in open_clip's own layout."""

import hashlib
import json
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from workbench.models.offline_lite import alignment, towers

VERSION = "2"
LOGIT_SCALE = 30.0
"""CLIP learns its scale; here cosines spread like those of a model at about 30."""

_EMBED_DIM = 384
_CONTEXT = 128
_PREPROCESS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}


def folder(cache: Path) -> Path:
    """The checkpoint's folder, in open_clip's `local-dir:` layout; built on first use."""
    from filelock import FileLock

    pins = f"{towers._IMAGE_SHA256}{towers._TEXT_SHA256}{VERSION}"
    target = cache / "models" / f"offline-lite-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"
    if (target / "open_clip_config.json").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not (target / "open_clip_config.json").is_file():
            work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
            try:
                _write(work, target)
                shutil.rmtree(target, ignore_errors=True)
                os.replace(work, target)  # noqa: PTH105 - the atomic step, named as such
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return target


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
                "image_size": 224,
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
        "preprocess_cfg": {**_PREPROCESS, "size": 224},
    }


def _write(work: Path, target: Path) -> None:
    from open_clip.model import CustomTextCLIP
    from safetensors.torch import save_file

    for path in towers.text_folder().iterdir():
        if path.suffix in {".json", ".txt"} and path.name != "modules.json":
            shutil.copy(path, work / path.name)
    model_cfg = config(work)["model_cfg"]
    network = CustomTextCLIP(
        embed_dim=_EMBED_DIM, vision_cfg=model_cfg["vision_cfg"], text_cfg=model_cfg["text_cfg"]
    ).eval()
    image = towers.image_tower()
    trunk = {key: value for key, value in image.state_dict().items() if not key.startswith("classifier.")}
    network.visual.trunk.load_state_dict(trunk)
    text = _text_weights(towers.text_folder())
    network.text.transformer.load_state_dict(text)
    names = embed_names(network, work)
    projection, _ = alignment.align(
        image.classifier.weight.detach().double().numpy(),  # type: ignore[union-attr,operator]
        names.astype(np.float64),
    )
    with torch.no_grad():
        network.visual.head.proj.weight.copy_(torch.from_numpy(projection.T))
        network.logit_scale.fill_(math.log(LOGIT_SCALE))
    save_file(
        {key: value.contiguous() for key, value in network.state_dict().items()}, work / "open_clip_model.safetensors"
    )
    (work / "open_clip_config.json").write_text(json.dumps(config(target), indent=2), encoding="utf-8")


def _text_weights(source: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    weights = load_file(source / "model.safetensors")
    # Position ids are a constant that newer transformers no longer store; the pooler is not used.
    return {k: v for k, v in weights.items() if not k.endswith("position_ids") and not k.startswith("pooler.")}


def embed_names(network: Any, tokenizer_folder: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit-norm embeddings of "a photo of a {class}." for ImageNet's classes."""
    from open_clip.tokenizer import HFTokenizer

    tokenizer = HFTokenizer(str(tokenizer_folder), context_length=32)
    with torch.inference_mode():
        tokens = tokenizer([f"a photo of a {name}." for name in towers.class_names()])
        found = torch.cat([F.normalize(network.encode_text(part), dim=1) for part in tokens.split(200)])
    return found.numpy()
