"""Running suites: plan, execute, apply."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.runs.suite import RecipeEntry, Suite, load_suite, suite_names

if TYPE_CHECKING:
    from workbench.runs.execute import run_suite
    from workbench.runs.finished import FinishedRun
    from workbench.runs.planning import Cell, plan
    from workbench.runs.predictions import Predictions

_HOMES = {
    "run_suite": "execute",
    "FinishedRun": "finished",
    "Cell": "planning",
    "plan": "planning",
    "Predictions": "predictions",
}

__all__ = [
    "Cell",
    "FinishedRun",
    "Predictions",
    "RecipeEntry",
    "Suite",
    "load_suite",
    "plan",
    "run_suite",
    "suite_names",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"workbench.runs.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'workbench.runs' has no attribute {name!r}")
