"""A handle on a model that loads weights only when something must be computed."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import FloatArray
from workbench.errors import ModelError, WorkbenchError
from workbench.files import set_aside
from workbench.images import Features
from workbench.models.catalogue import check_registered
from workbench.models.identity import (
    Identity,
    hash_file,
    identity_path,
    note_file,
    package_versions,
    read_identity,
    write_identity,
)
from workbench.models.plugin import models
from workbench.models.precision import resolve_device, resolve_precision
from workbench.models.spec import ModelSpec, parse_model
from workbench.settings import Settings

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
        identity: The identity of the model that is not loaded.
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
        self._loaded: LoadedModel | None = None
        self._loading = threading.Lock()
        self._verifying = threading.Lock()
        self._drift_key = f"{precision} on {device.partition(':')[0]}"
        self._unverified: Identity | None = None
        path = identity_path(spec, cache)
        identity = read_identity(path)
        if identity is None or self._drift_key not in identity.drift:
            identity = self._identify(identity)
            write_identity(identity, path)
        else:
            self._unverified = identity
        self.identity: Identity = identity
        self.fingerprint = identity.fingerprint(precision)

    embed_dim = property(lambda self: self.identity.embed_dim, doc="Width of the joint space.")
    pooled_dim = property(lambda self: self.identity.pooled_dim, doc="Width of pooled features.")
    logit_scale = property(lambda self: self.identity.logit_scale, doc="Multiplier of cosine similarities.")
    logit_bias = property(lambda self: self.identity.logit_bias, doc="Added after scaling.")
    spec = property(lambda self: self._spec, doc="The model argument, taken apart.")
    notice = property(lambda self: self.identity.notice, doc="A sentence for the reader of results, or None.")
    versions = property(lambda self: self.identity.versions, doc="Of the packages that turn weights into features.")
    drift = property(
        lambda self: self.identity.drift[self._drift_key],
        doc="1 - mean cosine between projected features at this precision and at fp32, on eight fixed photographs.",
    )

    def load(self, device: str = "cpu") -> "LoadedModel":
        """A private fp32 copy, free to be changed.

        Raises:
            ModelError: It cannot be built, or its files have changed since they were hashed.
        """
        from workbench.models.checkpoints import build
        from workbench.models.loaded import to_device

        self._verify()
        plugin = models.get(self._spec.source) if self._spec.kind == "plugin" else None
        if plugin:
            with _code_of(self._spec):
                loaded = plugin.load(self._cache)
        else:
            loaded = build(self._spec)
        to_device(loaded.network, device)
        return loaded

    def _verify(self) -> None:
        """Check, once, that files which are known by size and time have the content that the fingerprint stands for."""
        with self._verifying:
            damaged = self._unverified.damaged() if self._unverified else []
            if self._unverified and self._make_anew(damaged):
                damaged = self._unverified.damaged()
            if damaged:
                raise ModelError(
                    f"model {self.name!r}: {damaged[0]} has changed since it was hashed, but neither its size nor its "
                    "time has: the disk may be failing. Fetch it again, or `touch` it if the change was meant."
                )
            self._unverified = None

    def _make_anew(self, damaged: Sequence[Path]) -> bool:
        """Have a plug-in build its folders in the cache again that hold damaged files; False if there are none."""
        built = (self._cache / "models").absolute()
        folders = {built / path.relative_to(built).parts[0] for path in damaged if path.is_relative_to(built)}
        if not folders or self._spec.kind != "plugin":
            return False
        for folder in folders:
            set_aside(folder)
        models.get(self._spec.source).files(self._cache)
        return True

    @property
    def _ready(self) -> "LoadedModel":
        # Threads that decode images all ask for `preprocess` at once.
        with self._loading:
            if self._loaded is None:
                self._loaded = self.load(self.device)
            return self._loaded

    def preprocess(self, image: "Image") -> "Tensor":
        """The model's own evaluation transform: RGB image to float32 (3, h, w)."""
        return self._ready.preprocess(image)

    def encode_images(self, pixels: "Tensor") -> Features:
        """Features of preprocessed images (n, 3, h, w), at this precision and on this device."""
        return self._encode(pixels, self.precision)

    def _encode(self, pixels: "Tensor", precision: str) -> Features:
        import torch

        batch = pixels.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), _computing(self.device, precision):
            pooled, projected = self._ready.image_features(batch)
        return Features(pooled.float().cpu().numpy(), projected.float().cpu().numpy())

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Projected text features, float32 (len(texts), embed_dim), not normalised, in fp32."""
        import torch

        if not texts:
            return np.empty((0, self.embed_dim), dtype=np.float32)
        # Texts of like length share a batch, so that short ones are not padded to the longest.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = []
        with torch.inference_mode(), _computing(self.device, "fp32"):
            for start in range(0, len(order), _TEXT_BATCH):
                rows = order[start : start + _TEXT_BATCH]
                tokens = self._ready.trim(self._ready.tokenizer([texts[i] for i in rows]))
                parts.append(self._ready.text_features(tokens.to(self.device)).float().cpu().numpy())
        out = np.concatenate(parts)
        out[order] = out.copy()
        return out

    def _identify(self, known: Identity | None) -> Identity:
        """Hash the files, load once for the dimensions, and measure what the precision costs."""
        from workbench.models.checkpoints import ModelFiles, find_files
        from workbench.models.probe import check_alive, photographs, text_tower_settings, tokenizer_digest

        notice: str | None = None
        extra: dict[str, Any] = {}
        if self._spec.kind == "plugin":
            plugin = models.get(self._spec.source)
            with _code_of(self._spec):
                files, notice = ModelFiles(plugin.files(self._cache)), plugin.notice
            extra = {"plugin": [self._spec.source, plugin.version]}
        else:
            files = find_files(self._spec)
        weights, others = [hash_file(path) for path in files.weights], [hash_file(path) for path in files.others]
        loaded = self._ready
        pixels = photographs(loaded.preprocess)
        exact = self._encode(pixels, "fp32")
        check_alive(self.name, exact.projected, self.encode_texts)
        drift = _drift(exact.projected, self._encode(pixels, self.precision).projected)
        return Identity(
            weights=weights,
            others=others,
            folder=note_file(files.folder) if files.folder else None,
            config={
                "model": _without_places(loaded.config),
                "preprocess": loaded.preprocess_config,
                "tokenizer": tokenizer_digest(loaded.tokenizer),
                "text_tower": text_tower_settings(loaded.network),
                **extra,
            },
            versions=package_versions(),
            embed_dim=exact.projected.shape[1],
            pooled_dim=exact.pooled.shape[1],
            logit_scale=loaded.logit_scale,
            logit_bias=loaded.logit_bias,
            notice=notice,
            drift={**(known.drift if known else {}), self._drift_key: drift},
        )


@contextmanager
def _code_of(spec: ModelSpec) -> Iterator[None]:
    """Turn any failure of a plug-in's code, exit included, into a `ModelError` that names the plug-in."""
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:
        failure = "it exits" if isinstance(error, SystemExit) else type(error).__name__
        raise ModelError(f"model {spec.argument!r}: the plug-in that offers it failed ({failure}: {error}).") from error


_cudnn_flags = threading.RLock()
"""They hold for the whole process: a thread that ends must not set back what another computes with."""


@contextmanager
def _computing(device: str, precision: str) -> Iterator[None]:
    """Autocast to a precision; fp32 means fp32, not the TF32 that cuDNN takes for convolutions unless told."""
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    with (
        _cudnn_flags if device.startswith("cuda") else nullcontext(),
        torch.autocast(device.partition(":")[0], dtype=dtype, enabled=dtype is not None),
        torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled,
            benchmark=torch.backends.cudnn.benchmark,
            deterministic=torch.backends.cudnn.deterministic,
            allow_tf32=dtype is not None and torch.backends.cudnn.allow_tf32,
        ),
    ):
        yield


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
        check_registered(spec)
    device = resolve_device(settings.device)
    return Encoder(spec, settings.cache, resolve_precision(settings.precision, device), device)
