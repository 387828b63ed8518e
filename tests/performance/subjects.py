"""Real things to measure on: a ViT-B-32 with random weights, and pictures with as much detail as photographs."""

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

PREPROCESS = {
    "size": 224,
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def environment(**values: str) -> dict[str, str]:
    """The environment of a measured process: it may write byte code, as on a user's machine."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true", **values}


def write_model(folder: Path, architecture: str = "ViT-B-32") -> str:
    """Random weights of an architecture in open_clip's layout; gives the model argument."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = open_clip.create_model(architecture, precision="fp32")
    folder.mkdir(parents=True)
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    content = {"model_cfg": open_clip.get_model_config(architecture), "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    return f"local-dir:{folder}"


def write_photos(folder: Path, count: int, classes: int = 2, size: tuple[int, int] = (500, 375)) -> None:
    """JPEGs below `folder/test/CLASS`."""
    rng = np.random.default_rng(0)
    width, height = size
    for i in range(count):
        layers = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((3, 4), (24, 32), (94, 125))]
        big = [np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.BICUBIC)) for layer in layers]
        pixels = (0.6 * big[0] + 0.25 * big[1] + 0.15 * big[2]).astype(np.uint8)
        place = folder / "test" / f"class {i % classes:03d}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{i:05d}.jpg", quality=88)
