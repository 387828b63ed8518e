"""What a model is, remembered, so that a warm run knows its fingerprint without loading it."""

import hashlib
import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.models.spec import ModelSpec

FEATURE_PROTOCOL = "2"
"""Raise it when the same weights and images give other features."""

_PACKAGES = ("open_clip_torch", "timm", "torch", "transformers")


class WeightFile(BaseModel):
    """A weight file as it was when it was hashed."""

    path: Path
    size: int
    mtime_ns: int
    sha256: str

    def unchanged(self) -> bool:
        """Whether size and time are still the same."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size, self.mtime_ns)


class Identity(BaseModel):
    """Everything about a model that a run needs when features are cached.

    Attributes:
        weights: Its files.
        config: Architecture and preprocessing, as hashed.
        versions: Of the packages that turn weights into features.
        embed_dim: Width of the joint space.
        pooled_dim: Width of pooled features.
        logit_scale: Multiplier of cosine similarities.
        logit_bias: Added after scaling.
        notice: A sentence for the reader, or None.
        drift: Precision to 1 - mean cosine between its features and fp32's on a fixed noise batch.
    """

    model_config = ConfigDict(extra="forbid")

    weights: list[WeightFile]
    config: dict[str, Any]
    versions: dict[str, str]
    embed_dim: int
    pooled_dim: int
    logit_scale: float
    logit_bias: float
    notice: str | None = None
    drift: dict[str, float] = {}

    def current(self) -> bool:
        """Whether files and packages are those that were hashed."""
        return self.versions == package_versions() and all(file.unchanged() for file in self.weights)

    def fingerprint(self, precision: str) -> str:
        """Hex digest of weights, architecture, preprocessing and precision."""
        parts = [FEATURE_PROTOCOL, [file.sha256 for file in self.weights], self.config, precision]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that turn weights into features."""
    return {name: version(name) for name in _PACKAGES}


def hash_files(files: list[Path]) -> list[WeightFile]:
    """SHA-256 of each file."""
    found = []
    for path in files:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        stat = path.stat()
        found.append(WeightFile(path=path, size=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=digest))
    return found


def identity_path(spec: ModelSpec, cache: Path) -> Path:
    """Where a model's identity is kept."""
    key = hashlib.sha256(f"{spec.kind}\0{spec.architecture}\0{spec.source}".encode()).hexdigest()[:24]
    return cache / "models" / f"{key}.json"


def read_identity(path: Path) -> Identity | None:
    """The stored identity if it still holds, else None."""
    try:
        found = Identity.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if found.current() else None


def write_identity(identity: Identity, path: Path) -> None:
    """Store by atomic rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(identity.model_dump_json(indent=1))
    os.replace(temporary, path)  # noqa: PTH105 - the atomic step, named as such
