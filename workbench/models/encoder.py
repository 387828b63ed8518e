"""A handle on a model that loads weights only when something must be computed."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import FloatArray
from workbench.models.identity import (
    Identity,
    hash_files,
    identity_path,
    package_versions,
    read_identity,
    write_identity,
)
from workbench.models.plugin import models
from workbench.models.precision import resolve_device, resolve_precision
from workbench.models.spec import ModelSpec, parse_model
from workbench.settings import Settings
from workbench.tasks.images import Features

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from workbench.models.loaded import LoadedModel

_TEXT_BATCH = 128


class Encoder:
    """A pretrained dual encoder at a precision, on a device.

    Build it with `open_model`.

    Attributes:
        name: The model argument.
        identity: What is known without loading.
        precision: `fp32`, `bf16` or `fp16`, of the image tower; text is always computed in fp32.
        device: `cpu` or `cuda:n`.
        fingerprint: Identifies weights, preprocessing and precision.
    """

    def __init__(self, spec: ModelSpec, cache: Path, precision: str, device: str) -> None:
        self.name = spec.argument
        self.precision = precision
        self.device = device
        self._spec = spec
        self._cache = cache
        path = identity_path(spec, cache)
        identity = read_identity(path)
        if identity is None or precision not in identity.drift:
            identity = self._identify(identity)
            write_identity(identity, path)
        self.identity: Identity = identity
        self.fingerprint = identity.fingerprint(precision)

    embed_dim = property(lambda self: self.identity.embed_dim, doc="Width of the joint space.")
    pooled_dim = property(lambda self: self.identity.pooled_dim, doc="Width of pooled features.")
    logit_scale = property(lambda self: self.identity.logit_scale, doc="Multiplier of cosine similarities.")
    logit_bias = property(lambda self: self.identity.logit_bias, doc="Added after scaling.")
    notice = property(lambda self: self.identity.notice, doc="A sentence for the reader of results, or None.")
    drift = property(
        lambda self: self.identity.drift[self.precision],
        doc="1 - mean cosine between features at this precision and at fp32, on a fixed noise batch.",
    )

    @property
    def is_loaded(self) -> bool:
        """Whether weights are in memory."""
        return "_ready" in self.__dict__

    def load(self) -> "LoadedModel":
        """A private fp32 copy on the CPU, free to be changed."""
        from workbench.models.checkpoints import build

        if self._spec.kind == "plugin":
            return models.get(self._spec.source).load(self._cache)
        return build(self._spec)

    @cached_property
    def _ready(self) -> "LoadedModel":
        from workbench.models.loaded import to_device

        loaded = self.load()
        to_device(loaded.network, self.device)
        return loaded

    def preprocess(self, image: "Image") -> "Tensor":
        """The model's own evaluation transform: RGB image to float32 (3, h, w)."""
        return self._ready.preprocess(image)

    def encode_images(self, pixels: "Tensor") -> Features:
        """Features of preprocessed images (n, 3, h, w), at this precision and on this device."""
        return self._encode(pixels, self.precision)

    def _encode(self, pixels: "Tensor", precision: str) -> Features:
        import torch

        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        batch = pixels.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        device_type = "cuda" if self.device.startswith("cuda") else "cpu"
        with torch.inference_mode(), torch.autocast(device_type, dtype=dtype, enabled=dtype is not None):
            pooled, projected = self._ready.image_features(batch)
        return Features(pooled.float().cpu().numpy(), projected.float().cpu().numpy())

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Projected text features, float32 (len(texts), embed_dim), not normalised, in fp32."""
        import torch

        if not texts:
            return np.empty((0, self.embed_dim), dtype=np.float32)
        # Texts of like length share a batch, so that short ones are not padded to the longest.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = np.empty((len(texts), self.embed_dim), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), _TEXT_BATCH):
                rows = order[start : start + _TEXT_BATCH]
                tokens = self._ready.trim(self._ready.tokenizer([texts[i] for i in rows]))
                out[rows] = self._ready.text_features(tokens.to(self.device)).float().cpu().numpy()
        return out

    def _identify(self, known: Identity | None) -> Identity:
        """Hash the files, load once for the dimensions, and measure what the precision costs."""
        import torch

        from workbench.models.checkpoints import weight_files

        plugin = models.get(self._spec.source) if self._spec.kind == "plugin" else None
        files = plugin.files(self._cache) if plugin else weight_files(self._spec)
        loaded = self._ready
        probe = torch.randn(8, 3, *loaded.image_size, generator=torch.Generator().manual_seed(0)) * 0.5
        exact = self._encode(probe, "fp32")
        config: dict[str, Any] = {"model": _without_places(loaded.config), "preprocess": loaded.preprocess_config}
        if plugin:
            config["plugin"] = [self._spec.source, plugin.version]
        return Identity(
            weights=hash_files(files),
            config=config,
            versions=package_versions(),
            embed_dim=exact.projected.shape[1],
            pooled_dim=exact.pooled.shape[1],
            logit_scale=loaded.logit_scale,
            logit_bias=loaded.logit_bias,
            notice=plugin.notice if plugin else None,
            drift={
                **(known.drift if known else {}),
                "fp32": 0.0,
                self.precision: _drift(exact.projected, self._encode(probe, self.precision).projected),
            },
        )


def _without_places(config: dict[str, Any]) -> dict[str, Any]:
    """Where a text tower's files lie does not change what it computes."""
    text = {k: v for k, v in config.get("text_cfg", {}).items() if k not in {"hf_model_name", "hf_tokenizer_name"}}
    return {**config, "text_cfg": text}


def _drift(exact: FloatArray, other: FloatArray) -> float:
    a, b = exact.astype(np.float64), other.astype(np.float64)
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return max(0.0, float(1 - cosine.mean()))


def open_model(argument: str, settings: Settings) -> Encoder:
    """A handle on the model behind an argument.

    Args:
        argument: A registered name, `ARCH/TAG`, `ARCH@FILE`, `hf-hub:ORG/REPO`, or `local-dir:PATH`.
        settings: Gives device, precision and cache.

    Raises:
        WorkbenchError: The model does not exist, cannot be reached, or cannot be used safely.
    """
    spec = parse_model(argument)
    if spec.kind == "plugin":
        models.get(spec.source)  # An unknown name is the first thing to say.
    device = resolve_device(settings.device)
    return Encoder(spec, settings.cache, resolve_precision(settings.precision, device), device)
