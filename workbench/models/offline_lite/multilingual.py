"""EfficientNet-Lite0 aligned, as `offline-lite` is, with a sentence encoder of fifteen languages.

The alignment knows English class names alone; that other languages find images rests on the encoder, which puts
translations near to one another.
"""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.loaded import LoadedModel
from workbench.models.offline_lite import alignment, checkpoint, sentences, towers
from workbench.models.offline_lite.built import build_once

NAME = "offline-lite-multilingual"
VERSION = "1"
PROJECTION = "projection.safetensors"


def projection_file(cache: Path) -> Path:
    """The alignment, the one part that no package ships; computed on first use.

    Raises:
        ModelError: A tower's package is missing or damaged, or the cache cannot be written.
    """
    pins = "".join([towers.IMAGE_SHA256, *towers.MULTILINGUAL_SHA256.values(), VERSION])
    return build_once(cache, NAME, pins, _write) / PROJECTION


def _write(work: Path, _target: Path) -> None:
    from safetensors.torch import save_file

    encoder = sentences.load_encoder(towers.multilingual_file("weights.npz"))
    tokenize = sentences.load_tokenizer(towers.multilingual_file("sp.model"))
    rows = towers.image_tower().state_dict()["classifier.weight"]
    tokens = tokenize([f"a photo of a {name}." for name in towers.class_names()])
    with torch.no_grad():
        names = torch.cat([encoder(part) for part in torch.split(tokens, 200)])
    projection, _ = alignment.align(rows.double().numpy(), names.double().numpy())
    save_file({"weight": torch.from_numpy(projection.T).float().contiguous()}, work / PROJECTION)


class Multilingual(nn.Module):
    """open_clip's timm tower beside a sentence encoder that open_clip does not know."""

    def __init__(self, visual: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(checkpoint.LOGIT_SCALE)))

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Unit vectors in any case."""
        features: Tensor = self.text(tokens)
        return F.normalize(features, dim=1) if normalize else features


def load(cache: Path) -> LoadedModel:
    """The network, fp32, on the CPU, in eval mode, frozen."""
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from safetensors.torch import load_file

    settings = PreprocessCfg(**checkpoint.PREPROCESS, size=checkpoint.IMAGE_SIZE)
    text = sentences.load_encoder(towers.multilingual_file("weights.npz"))
    network = Multilingual(_visual(load_file(projection_file(cache))["weight"]), text)
    return LoadedModel(
        network=network.eval().requires_grad_(False),
        preprocess=image_transform_v2(settings, is_train=False),
        tokenizer=sentences.load_tokenizer(towers.multilingual_file("sp.model")),
        image_size=(checkpoint.IMAGE_SIZE, checkpoint.IMAGE_SIZE),
        mean=tuple(settings.mean),
        std=tuple(settings.std),
        preprocess_config=asdict(settings),
        frozen_reason=f"{NAME} has a text tower that open_clip cannot load, so it is neither trained nor exported; use "
        "offline-lite, or a multilingual CLIP",
    )


def _visual(projection: Tensor) -> nn.Module:
    from open_clip.timm_model import TimmModel

    visual: Any = TimmModel(
        "tf_efficientnet_lite0", sentences.EMBED_DIM, image_size=checkpoint.IMAGE_SIZE, pool="avg", proj="linear",
        pretrained=False,
    )  # fmt: skip
    trunk = {k: v for k, v in towers.image_tower().state_dict().items() if not k.startswith("classifier.")}
    visual.trunk.load_state_dict(trunk)
    visual.head.proj.load_state_dict({"weight": projection})
    return visual  # type: ignore[no-any-return]
