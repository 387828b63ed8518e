"""A model's stored identity, from which a warm run knows its fingerprint without loading it."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.arrays import FloatArray
from workbench.errors import ModelError
from workbench.files import checksum_of_file, read_sealed, write_sealed
from workbench.models.spec import ModelSpec

FEATURE_PROTOCOL = "4"
"""Raise it when the same weights and images give other features."""

_PACKAGES = ("open_clip_torch", "timm", "torch", "transformers")


class KnownFile(BaseModel):
    """A file of a model as it was when the model was loaded."""

    path: Path
    size: int
    mtime_ns: int

    def unchanged(self) -> bool:
        """Whether size and time are still the same."""
        try:
            stat = self.path.stat()
        except OSError:
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.mtime_ns)


class HashedFile(KnownFile):
    """A file of a model as it was when it was hashed.

    Attributes:
        sha256: Hash of its content; identifies weights.
        checksum: `workbench.files.checksum_of_file`, which is quick enough for every time that it is loaded.
    """

    sha256: str
    checksum: str

    def intact(self) -> bool:
        """Whether the content is still the same; size and time do not show a failing disk."""
        try:
            return checksum_of_file(self.path) == self.checksum
        except OSError:
            return False


class Drift(BaseModel):
    """What a precision costs.

    Attributes:
        mean: 1 - mean cosine between projected features at the precision and at fp32.
        images: Number of images that it was measured on.
    """

    mean: float
    images: int


class PixelDrift(BaseModel):
    """What fast preprocessing costs.

    Attributes:
        mean: 1 - mean cosine between projected features, in fp32, with it and with the model's own transform.
        levels: Largest difference between pixels, of 255.
        images: Number of images that it was measured on.
    """

    mean: float
    levels: int
    images: int


class Identity(BaseModel):
    """Everything about a model that a run needs when features are cached.

    Attributes:
        weights: Its weight files.
        others: Its configuration and tokenizer files; what they mean is in `config`.
        folder: Their folder; its time shows new files, such as weights that open_clip would prefer.
        config: Architecture, preprocessing, the text tower's settings, and a digest of the tokenizer.
        versions: Versions of the packages that turn weights into features.
        embed_dim: Width of the joint space.
        pooled_dim: Width of pooled features.
        logit_scale: Multiplier of cosine similarities.
        logit_bias: Added after scaling.
        notice: A sentence for the reader, or None.
        no_texts: Why it embeds no texts; None where it does.
        is_fast: Whether its transform can be done on 8-bit pixels.
        drift: What precisions cost, on the first images that features were computed of, by precision and type of
            device (`bf16 on cpu`).
        pixel_drift: What fast preprocessing costs, on the same images.
    """

    model_config = ConfigDict(extra="forbid")

    weights: list[HashedFile]
    others: list[HashedFile] = []
    folder: KnownFile | None = None
    config: dict[str, Any]
    versions: dict[str, str]
    embed_dim: int
    pooled_dim: int
    logit_scale: float
    logit_bias: float
    notice: str | None = None
    no_texts: str | None = None
    is_fast: bool = False
    drift: dict[str, Drift] = {}
    pixel_drift: PixelDrift | None = None

    def current(self) -> bool:
        """Whether files and packages are those that were hashed."""
        files = [*self.weights, *self.others, *([self.folder] if self.folder else [])]
        return self.versions == package_versions() and all(file.unchanged() for file in files)

    def damaged(self) -> list[Path]:
        """Files whose content has changed since it was hashed."""
        return [file.path for file in [*self.weights, *self.others] if not file.intact()]

    def fingerprint(self, precision: str, preprocessing: str) -> str:
        """Hex digest of weights, architecture, preprocessing and precision."""
        parts = [FEATURE_PROTOCOL, [file.sha256 for file in self.weights], self.config, precision, preprocessing]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that turn weights into features."""
    return {name: version(name) for name in _PACKAGES}


def hash_file(path: Path) -> HashedFile:
    """SHA-256, checksum, size and time of a file, which is read once."""
    from xxhash import xxh3_128

    noted = note_file(path)
    digest, quick = hashlib.sha256(), xxh3_128()
    with path.open("rb", buffering=0) as file:
        buffer = memoryview(bytearray(1 << 20))
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            quick.update(buffer[:count])
    return HashedFile(**noted.model_dump(), sha256=digest.hexdigest(), checksum=quick.hexdigest())


def note_file(path: Path) -> KnownFile:
    """Size and time of a file."""
    stat = path.stat()
    return KnownFile(path=path.absolute(), size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def identity_path(spec: ModelSpec, cache: Path) -> Path:
    """The file of a model's identity."""
    key = hashlib.sha256(f"{spec.kind}\0{spec.architecture}\0{spec.source}".encode()).hexdigest()[:24]
    return cache / "models" / f"{key}.identity"


def read_identity(path: Path) -> Identity | None:
    """The stored identity if it still holds, else None; a damaged one is moved aside."""
    try:
        content = read_sealed(path)
        identity = None if content is None else Identity.model_validate_json(content)
    except (OSError, ValueError):
        return None
    return identity if identity is not None and identity.current() else None


def write_identity(identity: Identity, path: Path) -> None:
    """Store by atomic rename; raises `ModelError` where the cache cannot be written."""
    try:
        write_sealed(path, identity.model_dump_json(indent=1).encode())
    except OSError as error:
        raise ModelError(
            f"{path}: what is known of the model could not be kept ({error.strerror}); free space there, or set "
            "WORKBENCH_CACHE to another folder."
        ) from error


def mean_distance(exact: FloatArray, other: FloatArray) -> float:
    """1 - mean cosine between the rows of two arrays (n, d), at least 0."""
    a, b = exact.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return max(0.0, float(1 - ((a * b).sum(axis=1) / np.maximum(norms, np.finfo(np.float64).tiny)).mean()))
