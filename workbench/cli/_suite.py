"""A suite from a name or file, with options that replace parts of it."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from workbench.errors import WorkbenchError
from workbench.inputs import parse_toml
from workbench.recipes import recipes as registry
from workbench.registry import closest
from workbench.runs.suite import Suite, load_suite
from workbench.texts import shown
from workbench.validation import explain

_FLAGS = {
    "name": "--name", "models": "--model", "datasets": "--dataset", "recipes": "--recipe", "shots": "--shots",
    "seeds": "--seed", "language": "--language", "limit_seconds": "--limit",
}  # fmt: skip


def assemble(
    suite: str | None,
    models: Sequence[str],
    datasets: Sequence[str],
    recipes: Sequence[str],
    shots: Sequence[str],
    seeds: Sequence[int],
    assignments: Sequence[str],
    name: str | None,
    refit: bool | None,
    language: str | None = None,
    limit: float | None = None,
) -> Suite:
    """The suite to run.

    Raises:
        WorkbenchError: Neither a suite nor enough options; or an option's value is wrong.
    """
    if suite is not None:
        values: dict[str, Any] = load_suite(suite).model_dump()
    else:
        lacking = [
            flag for flag, value in (("--model", models), ("--dataset", datasets), ("--recipe", recipes)) if not value
        ]
        if lacking:
            raise WorkbenchError(
                f"Give a suite (`workbench list suites`), or at least --model, --dataset and --recipe; "
                f"missing: {', '.join(lacking)}."
            )
        values = {"name": name or "adhoc"}
    replaced = {
        "name": name,
        "models": list(models),
        "datasets": list(datasets),
        "recipes": [{"recipe": recipe} for recipe in recipes],
        "shots": [_shots(value) for value in shots],
        "seeds": list(seeds),
        "refit": refit,
        "language": language,
        "limit_seconds": limit,
    }
    values |= {key: value for key, value in replaced.items() if value not in (None, [])}
    # An entry's own shots and seeds would win over those of the command line.
    cleared = {key: None for key, value in (("shots", shots), ("seeds", seeds)) if value}
    entries = [{**entry, **cleared} for entry in values["recipes"]]
    if recipes:
        values["transfer"] = [_without_recipes(entry) for entry in values.get("transfer", ())]
    if datasets:
        values["transfer"] = []  # It names datasets of its own.
        entries = [restricted for entry in entries if (restricted := _restricted_to(entry, datasets)) is not None]
        if not entries:
            raise WorkbenchError(f"--dataset: no recipe of suite {suite} is to run on {', '.join(datasets)}.")
    entries = _with_settings(entries, [_assignment(text) for text in assignments])
    values["recipes"] = entries
    for entry in entries:
        registry.provider(entry["recipe"])  # An unknown recipe is reported first.
    try:
        return Suite.model_validate(values)
    except ValidationError as error:
        text = explain(error, Suite)
        for key, flag in _FLAGS.items():
            # Name the flag where the value came from the command line.
            text = re.sub(rf"^{key}\b", flag, text) if replaced[key] not in (None, []) else text
        raise WorkbenchError(text) from error


def _without_recipes(transfer: dict[str, Any]) -> dict[str, Any]:
    """A transfer of all recipes, where those that it names are replaced."""
    return {**transfer, "recipes": None}


def _restricted_to(entry: dict[str, Any], datasets: Sequence[str]) -> dict[str, Any] | None:
    """An entry on the datasets that replace the suite's; None where it is for none of them."""
    if entry.get("datasets") is None:
        return entry
    names = [name for name in entry["datasets"] if name in datasets]
    return {**entry, "datasets": names} if names else None


def _with_settings(entries: list[dict[str, Any]], settings: Sequence[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    """Entries with settings replaced; several values for a key make an entry for each.

    Args:
        entries: Recipes of the run.
        settings: Recipe, key and value.

    Raises:
        WorkbenchError: A recipe is not run.
    """
    sweeps: dict[str, dict[str, list[Any]]] = {}
    for recipe, key, value in settings:
        used = [entry["recipe"] for entry in entries]
        if recipe not in used:
            hint = closest(recipe, used) or f" Recipes of this run: {', '.join(used)}."
            raise WorkbenchError(f"--set {recipe}.{key}: recipe {recipe!r} is not run.{hint}")
        values = sweeps.setdefault(recipe, {}).setdefault(key, [])
        if repr(value) not in map(repr, values):  # 1 and true are equal, and different settings.
            values.append(value)
    assigned = []
    for entry in entries:
        recipe_sweeps = sweeps.get(entry["recipe"], {})
        choices = (dict(zip(recipe_sweeps, chosen, strict=True)) for chosen in product(*recipe_sweeps.values()))
        assigned += [{**entry, "config": {**(entry.get("config") or {}), **choice}} for choice in choices]
    return assigned


def _shots(value: str) -> int | str:
    if value == "all":
        return value
    if re.fullmatch("0*[0-9]{1,9}", value):
        return int(value)
    raise WorkbenchError(f"--shots {shown(value, 40)}: expected a number or 'all'.")


def _assignment(text: str) -> tuple[str, str, Any]:
    """`recipe.key=value`; the value is read as TOML, and as a plain string where it is none."""
    left, equals, value = text.partition("=")
    recipe, dot, key = left.rpartition(".")
    if not (equals and dot and recipe and key):
        raise WorkbenchError(f"--set {shown(text, 80)}: expected RECIPE.KEY=VALUE, for example lora.rank=8.")
    try:
        parsed = parse_toml(f"value = {value}", "--set")
    except WorkbenchError as error:
        if isinstance(error.__cause__, RecursionError):
            raise WorkbenchError(f"--set {recipe}.{key}: its value is nested too deeply.") from error
        return recipe, key, value
    # A line end in it would begin another key.
    return recipe, key, parsed["value"] if len(parsed) == 1 else value
