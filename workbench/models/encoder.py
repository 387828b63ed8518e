"""A handle on a model that loads weights only when something must be computed."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import FloatArray
from workbench.errors import ModelError
from workbench.images import Features
from workbench.models.catalogue import check_model
from workbench.models.identifying import identify
from workbench.models.identity import (
    Drift,
    Identity,
    PixelDrift,
    identity_path,
    mean_distance,
    read_identity,
    write_identity,
)
from workbench.models.loading import Loader
from workbench.models.precision import resolve_device, resolve_precision
from workbench.models.schemes import Located, schemes
from workbench.models.spec import ModelSpec, parse_model
from workbench.settings import Preprocessing, Settings

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from workbench.models._image_tower import ImageTower
    from workbench.models.loaded import LoadedModel
    from workbench.models.pixel_transform import PixelTransform

_SAMPLES = 8
_TEXT_BATCH = 128


class Encoder:
    """A pretrained dual encoder at a precision, on a device.

    Build it with `open_model`.

    Attributes:
        name: The model argument.
        identity: The identity of the model that is not loaded.
        precision: `fp32`, `bf16` or `fp16`, of the image tower; text is always computed in fp32.
        preprocessing: `fast` or `reference`; of models whose transform cannot be done on 8-bit pixels `reference`.
        device: `cpu` or `cuda:n`.
        fingerprint: Identifies weights, preprocessing and precision.
        lineage: What it was made from, in words; None where that is not known.
    """

    def __init__(
        self,
        spec: ModelSpec,
        cache: Path,
        precision: str,
        device: str,
        preprocessing: Preprocessing = "fast",
        located: Located | None = None,
    ) -> None:
        self.name = spec.argument
        self.precision = precision
        self.device = device
        self.lineage = located.lineage if located else None
        self._located = located
        self._spec = spec
        self._loaded: LoadedModel | None = None
        self._loading = threading.Lock()
        self._building = threading.Lock()
        self._towers: dict[str, ImageTower] = {}
        self._drift_key = f"{precision} on {device.partition(':')[0]}"
        self._path = identity_path(spec, cache)
        identity = read_identity(self._path)
        self._loader = Loader(spec, cache, identity)
        if identity is None:
            identity = self._identify(cache)
            write_identity(identity, self._path)
        self.identity: Identity = identity
        self.preprocessing: Preprocessing = preprocessing if identity.is_fast else "reference"
        self.fingerprint = identity.fingerprint(precision, self.preprocessing)

    @property
    def _no_texts(self) -> str | None:
        # While it is identified, there is no identity yet.
        return self.identity.no_texts if hasattr(self, "identity") else None

    def _identify(self, cache: Path) -> Identity:
        return identify(self._spec, cache, lambda: self._ready, partial(self._encode, "fp32"), self.encode_texts)

    embed_dim = property(lambda self: self.identity.embed_dim, doc="Width of the joint space.")
    pooled_dim = property(lambda self: self.identity.pooled_dim, doc="Width of pooled features.")
    logit_scale = property(lambda self: self.identity.logit_scale, doc="Multiplier of cosine similarities.")
    logit_bias = property(lambda self: self.identity.logit_bias, doc="Added after scaling.")
    spec = property(lambda self: self._spec, doc="The model argument, taken apart.")
    versions = property(lambda self: self.identity.versions, doc="Of the packages that turn weights into features.")

    @property
    def notice(self) -> str | None:
        """A sentence for the reader of results, or None."""
        return self.identity.notice or (self._located.notice if self._located else None)

    @property
    def drift(self) -> float | None:
        """1 - mean cosine between projected features at this precision and at fp32, 0 at fp32 itself.

        It is measured on the first images of an extraction, and None before.
        """
        if self.precision == "fp32":
            return 0.0
        measured = self.identity.drift.get(self._drift_key)
        return None if measured is None else measured.mean

    @property
    def pixel_drift(self) -> PixelDrift | None:
        """What fast preprocessing costs; None where it is not used, or has not been measured."""
        return self.identity.pixel_drift if self.preprocessing == "fast" else None

    def load(self, device: str = "cpu") -> "LoadedModel":
        """A private fp32 copy, free to be changed.

        Raises:
            ModelError: It cannot be built, or its files have changed since they were hashed.
        """
        return self._loader.load(device)

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

    @property
    def tokenizer(self) -> "Callable[[Sequence[str]], Tensor] | None":
        """Texts to the text tower's tokens, int64 (n, context); None where it has no text tower. Loads the model."""
        return None if self._no_texts is not None else self._ready.tokenizer

    @property
    def pixel_transform(self) -> "PixelTransform | None":
        """The same on 8-bit pixels, with the normalisation left to `encode_images`; None at `reference`."""
        return self._ready.pixel_transform if self.preprocessing == "fast" else None

    def encode_images(self, pixels: "Tensor") -> Features:
        """Features at this precision and on this device.

        Args:
            pixels: (n, 3, h, w), float32 of `preprocess`, or uint8 of `pixel_transform`.
        """
        return self._encode(self.precision, pixels)

    @property
    def batch_size(self) -> int:
        """Number of images in a forward pass that suits the device and its free memory; loads the model."""
        return self._tower(self.precision).batch_size()

    @property
    def samples_needed(self) -> int:
        """Number of images to `compare` before any features are computed; 0 where that has been done."""
        known = self.drift is not None and (self.preprocessing == "reference" or self.pixel_drift is not None)
        return 0 if known else _SAMPLES

    def compare(self, pixels: "Tensor", reference: "Tensor") -> None:
        """Measure `drift` and `pixel_drift`, and remember them with the model.

        Args:
            pixels: Some images as `encode_images` takes them.
            reference: The same images by `preprocess`.
        """
        exact = self._encode("fp32", pixels).projected
        known = read_identity(self._path) or self.identity
        found: dict[str, Any] = {}
        if self.precision != "fp32":
            drift = mean_distance(exact, self._encode(self.precision, pixels).projected)
            found["drift"] = {**known.drift, self._drift_key: Drift(mean=drift, images=len(exact))}
        if self.preprocessing == "fast":
            distance = mean_distance(self._encode("fp32", reference).projected, exact)
            levels = (self._ready.normalise(pixels) - reference).abs().amax(dim=(0, 2, 3))
            most = round(float((levels * levels.new_tensor(self._ready.std)).max()) * 255)
            found["pixel_drift"] = PixelDrift(mean=distance, levels=most, images=len(exact))
        self.identity = known.model_copy(update=found)
        write_identity(self.identity, self._path)
        self._forget_fp32()

    def _encode(self, precision: str, pixels: "Tensor") -> Features:
        from workbench.models._computing import own_stream

        tower = self._tower(precision)
        with own_stream(self.device):
            pooled, projected = tower(pixels)
            return Features(pooled.cpu().numpy(), projected.cpu().numpy())

    def _tower(self, precision: str) -> "ImageTower":
        from workbench.models._image_tower import ImageTower

        with self._building:  # Of the threads that compute, one builds it.
            if precision not in self._towers:
                self._towers[precision] = ImageTower(self._ready, self.device, precision)
                if precision == self.precision != "fp32" and not self.samples_needed:
                    self._forget_fp32()
            return self._towers[precision]

    def _forget_fp32(self) -> None:
        """Once nothing is compared with fp32 any more, its weights need not stay in memory."""
        if self.precision != "fp32":
            self._towers.pop("fp32", None)
            self._towers[self.precision].release()

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Projected text features, float32 (len(texts), embed_dim), not normalised, in fp32.

        Raises:
            ModelError: The model has no text tower.
        """
        from workbench.models._computing import computing

        if (why := self._no_texts) is not None:
            raise ModelError(
                f"model {self.name!r}: {why}, and texts are asked for, such as {next(iter(texts), '')!r}. Take a "
                "recipe that needs none, such as linear-probe, knn or nearest-class-mean, or a model with a text tower."
            )
        if not texts:
            return np.empty((0, self.embed_dim), dtype=np.float32)
        # Texts of like length share a batch, so that short ones are not padded to the longest.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = []
        with computing(self.device, "fp32"):
            for start in range(0, len(order), _TEXT_BATCH):
                rows = order[start : start + _TEXT_BATCH]
                tokens = self._ready.trim(self._ready.tokenizer([texts[i] for i in rows]))
                parts.append(self._ready.text_features(tokens.to(self.device)).float().cpu().numpy())
        out = np.concatenate(parts)
        out[order] = out.copy()
        return out


def open_model(argument: str, settings: Settings) -> Encoder:
    """A handle on the model behind an argument.

    Args:
        argument: A registered name, `ARCH/TAG`, `ARCH@FILE`, `hf-hub:ORG/REPO[@REVISION]`, `local-dir:PATH`,
            `timm:NAME`, `features:FILE`, or `run:RUN`.
        settings: Gives device, precision and cache.

    Raises:
        WorkbenchError: The model does not exist, cannot be reached, or cannot be used safely.
    """
    located = None
    scheme, _, source = argument.partition(":")
    if source and scheme in schemes.names():
        located = schemes.get(scheme)(source, settings)
        spec = ModelSpec(argument, "directory", "", str(located.folder.resolve()))
    else:
        spec = parse_model(argument)
        check_model(argument)
        if spec.revision:
            from workbench.models.pinned import at_revision

            spec = at_revision(spec)
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    if spec.kind == "embeddings":
        from workbench.models.embeddings import EmbeddingsEncoder

        return EmbeddingsEncoder(spec, settings.cache, precision, device)
    return Encoder(spec, settings.cache, precision, device, settings.preprocessing, located)
