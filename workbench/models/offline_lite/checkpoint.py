"""Build `offline-lite` once as a checkpoint in open_clip's own layout."""

import hashlib
import json
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.errors import ModelError
from workbench.models.offline_lite import alignment, towers

VERSION = "4"
LOGIT_SCALE = 30.0
"""Set by hand: CLIP learns its scale with its towers; at this one low-rank adapters of these towers train well."""

WEIGHTS = "open_clip_model.safetensors"
CONSE = "conse/classifier.safetensors"
"""ImageNet's classifier and the embeddings of its class names; beside the checkpoint, which does not need them."""

_CONFIG = "open_clip_config.json"
_EMBED_DIM = 384
_CONTEXT = 128
_PREPROCESS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
_TEXT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def folder(cache: Path) -> Path:
    """The checkpoint's folder, in open_clip's `local-dir:` layout; built on first use.

    Raises:
        ModelError: A tower's package is missing or damaged, or the cache cannot be written.
    """
    from filelock import FileLock

    pins = f"{towers.IMAGE_SHA256}{towers.TEXT_SHA256}{VERSION}"
    target = cache / "models" / f"offline-lite-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"
    if (target / _CONFIG).is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not (target / _CONFIG).is_file():
                _build(target)
    except OSError as error:
        raise ModelError(
            f"offline-lite: its checkpoint could not be written to {target} ({error.strerror or error}); free space "
            "there, or set WORKBENCH_CACHE to another folder."
        ) from error
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


def _build(target: Path) -> None:
    """Write everything beside the target, then move it there in one step."""
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        _write(work, target)
        work.chmod(0o755)
        for path in work.rglob("*"):  # Temporary folders are private; a shared cache must be readable.
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(target, ignore_errors=True)
        work.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(work: Path, target: Path) -> None:
    from safetensors.torch import save_file

    for name in _TEXT_FILES:
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
