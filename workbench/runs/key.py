"""The run key: a hash of everything that determines a result."""

import hashlib
import json
from pathlib import Path
from typing import Any

from workbench.datasets import Dataset
from workbench.errors import RecipeError
from workbench.metrics.protocol import PROTOCOL
from workbench.models import Encoder
from workbench.recipes import recipes
from workbench.runs.planning import Cell


def run_key(cell: Cell, dataset: Dataset, encoder: Encoder | None, *, refit: bool) -> str:
    """Hex digest that two runs share exactly when they must give the same result under the same name.

    A recipe counts with its own version and the name of its distribution; a new release of that alone changes no key.

    Raises:
        RecipeError: A file that the recipe's settings name cannot be read.
    """
    parts: dict[str, Any] = {
        "protocol": PROTOCOL,
        "dataset": [dataset.name, dataset.fingerprint],
        "model": encoder.fingerprint if encoder else None,
        "recipe": [cell.recipe, cell.factory.version, recipes.distribution(cell.recipe).name],
        "config": cell.config.model_dump(mode="json"),
        "label": cell.label,
        "shots": cell.shots,
        "seed": cell.seed,
        "refit": refit,
        "files": [_digest(cell, path) for path in cell.config.files()],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _digest(cell: Cell, path: str) -> str:
    try:
        return hashlib.sha256(Path(path).expanduser().read_bytes()).hexdigest()
    except OSError as error:
        raise RecipeError(f"recipe {cell.recipe!r}: {path}: cannot be read ({error.strerror}).") from error
