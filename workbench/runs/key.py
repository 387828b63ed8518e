"""The run key: a hash of everything that determines a result."""

import hashlib
import json
from pathlib import Path
from typing import Any

from workbench.datasets import Dataset
from workbench.errors import RecipeError
from workbench.metrics.protocol import PROTOCOL
from workbench.models import Encoder
from workbench.recipes import RunSpec, recipes


def run_key(spec: RunSpec, dataset: Dataset, encoder: Encoder | None, *, refit: bool) -> str:
    """Hex digest that two runs share exactly when they must give the same result under the same name.

    A recipe counts with its own version and the name of its distribution; a new release of that alone changes no key.

    Raises:
        RecipeError: A file that the recipe's settings name cannot be read.
    """
    parts: dict[str, Any] = {
        "protocol": PROTOCOL,
        "dataset": [dataset.name, dataset.fingerprint],
        "model": encoder.fingerprint if encoder else None,
        "recipe": [spec.recipe, spec.factory.version, recipes.distribution(spec.recipe).name],
        "config": spec.config.model_dump(mode="json"),
        "label": spec.label,
        "shots": spec.shots,
        "seed": spec.seed,
        "refit": refit,
        "files": [_digest(spec, path) for path in spec.config.files()],
    }
    if dataset.trained_on is not None:
        parts["trained on"] = dataset.trained_on.key_parts()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _digest(spec: RunSpec, path: str) -> str:
    try:
        return hashlib.sha256(Path(path).expanduser().read_bytes()).hexdigest()
    except OSError as error:
        raise RecipeError(f"recipe {spec.recipe!r}: {path}: cannot be read ({error.strerror}).") from error
