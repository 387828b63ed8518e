"""The run key: a hash of everything that determines a result."""

import hashlib
import json
from typing import Any

from workbench.datasets import Dataset
from workbench.models import Encoder
from workbench.recipes import recipes
from workbench.runs.planning import Cell

PROTOCOL = "1"
"""Raise it when the same recipe on the same data is evaluated differently."""


def run_key(cell: Cell, dataset: Dataset, encoder: Encoder | None, *, refit: bool) -> str:
    """Hex digest that two runs share exactly when they must give the same result."""
    parts: dict[str, Any] = {
        "protocol": PROTOCOL,
        "dataset": dataset.fingerprint,
        "model": encoder.fingerprint if encoder else None,
        "recipe": [cell.recipe, cell.factory.version, recipes.provider(cell.recipe)],
        "config": cell.config.model_dump(mode="json"),
        "label": cell.label,
        "shots": cell.shots,
        "seed": cell.seed,
        "refit": refit,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
