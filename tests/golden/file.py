"""The golden file: read, compared with what the code gives, written."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.golden.numbers import Numbers, evaluation_numbers, golden_recipes, recipe_numbers
from workbench.metrics.protocol import PROTOCOL
from workbench.recipes import recipes

FILE = Path(__file__).with_name("golden.json")
EVALUATION = "the evaluation"
TOLERANCE = 1e-5
"""Relative; other instruction sets, threads and BLAS libraries move the numbers by 1e-7."""

_AGAIN = "`python -m tests.golden` writes the golden file anew."


def parts() -> dict[str, tuple[str, Callable[[], Numbers]]]:
    """What has golden numbers: its version as of now, and how they are computed."""
    own = {name: (recipes.get(name).version, lambda name=name: recipe_numbers(name)) for name in golden_recipes()}
    return {EVALUATION: (PROTOCOL, evaluation_numbers), **own}


def read() -> dict[str, dict[str, Any]]:
    """`version` and `numbers` by part."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def write(found: dict[str, dict[str, Any]]) -> None:
    """Write the file, sorted, numbers to ten digits."""
    rounded = {
        name: {**part, "numbers": {key: float(f"{value:.10g}") for key, value in part["numbers"].items()}}
        for name, part in found.items()
    }
    FILE.write_text(json.dumps(rounded, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def complaint(name: str, version: str, numbers: Numbers, golden: dict[str, dict[str, Any]]) -> str:
    """What is wrong with the numbers of a part and what to do about it; empty if nothing is."""
    raised = "PROTOCOL in workbench/metrics/protocol.py" if name == EVALUATION else f"the `version` of recipe {name}"
    if name not in golden:
        return f"{name} has no golden numbers yet: {_AGAIN}"
    if golden[name]["version"] != version:
        return f"{raised} is {version!r}, the golden numbers are of {golden[name]['version']!r}: {_AGAIN}"
    known = golden[name]["numbers"]
    new = sorted(numbers.keys() - known.keys())
    pairs = [(key, value, numbers.get(key, math.nan)) for key, value in sorted(known.items())]
    close = {"rel_tol": TOLERANCE, "abs_tol": TOLERANCE}
    moved = [f"{key}: {old:.7g} is {now:.7g} now" for key, old, now in pairs if not math.isclose(old, now, **close)]
    if moved:
        more = f"\n  and {len(moved) - 10} more" if len(moved) > 10 else ""
        return (
            f"{name} gives other numbers under the same version {version!r}:\n  " + "\n  ".join(moved[:10]) + more
            + f"\nIf that is meant, raise {raised}, so that old runs are not taken for new ones; then {_AGAIN}"
        )  # fmt: skip
    return f"{name} has new numbers ({', '.join(new[:5])}): {_AGAIN}" if new else ""
