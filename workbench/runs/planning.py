"""Expand a suite into its runs."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from pydantic import ValidationError

from workbench.errors import RecipeError
from workbench.recipes import Recipe, RecipeConfig, RunSpec
from workbench.runs.broken import recipe_or_broken
from workbench.runs.suite import RecipeEntry, Suite
from workbench.runs.transfers import places_of
from workbench.texts import shown
from workbench.tracking.labels import settings_apart, with_settings
from workbench.validation import explain

NO_MODEL = "none"
"""In place of the model, for recipes that read nothing."""

_BASELINE = RecipeEntry(recipe="majority-class", shots=("all",))


def plan(suite: Suite) -> list[RunSpec]:
    """The runs of a suite, those of one dataset and model together, each once.

    Where each domain of a dataset is left out in turn, one stands for all: the plan opens no dataset, see
    `with_domains`.

    Raises:
        WorkbenchError: A recipe is unknown, broken, or its settings are wrong.
    """
    entries = list(suite.recipes)
    if suite.baseline and all(entry.recipe != _BASELINE.recipe for entry in entries):
        entries.insert(0, _BASELINE)
    resolved = [(entry, *_resolve(entry)) for entry in entries]
    specs: dict[str, RunSpec] = {}
    for place, model in product(places_of(suite), suite.models):
        for entry, factory, config in resolved:
            for shots, seed in _samples(suite, entry, factory, config):
                if not place.takes(entry, trains=shots != 0, is_baseline=entry.recipe == _BASELINE.recipe):
                    continue
                name = NO_MODEL if factory.reads == "nothing" else model
                label = entry.label or entry.recipe
                spec = RunSpec(
                    name, place.dataset, entry.recipe, label, factory, config, shots, seed, place.transfer
                )  # fmt: skip
                specs.setdefault(f"{spec} / {entry.recipe} / {config.model_dump_json()}", spec)
    plan_specs = list(specs.values())
    settings = settings_apart([(spec.label, spec.recipe, spec.config.model_dump(mode="json")) for spec in plan_specs])
    return [
        replace(spec, shown=with_settings(spec.label, spec_settings))
        for spec, spec_settings in zip(plan_specs, settings, strict=True)
    ]


def _samples(
    suite: Suite, entry: RecipeEntry, factory: type[Recipe[Any]], config: RecipeConfig
) -> Sequence[tuple[int | None, int]]:
    """Shots and seeds that make a difference to this recipe."""
    seeds = entry.seeds or suite.seeds
    if not factory.uses_labels(config):
        return [(0, seeds[0])]
    samples: list[tuple[int | None, int]] = []
    able = factory.zero_shots
    if (not able and 0 in (entry.shots or ())) or (not able and set(suite.shots) == {0} and not entry.shots):
        raise RecipeError(f"recipe {entry.recipe!r} needs training images, and shots = 0 gives it none.")
    for shots in entry.shots or suite.shots:
        if shots == 0 and not able:
            continue
        entry_seeds = seeds if shots not in {"all", 0} or factory.stochastic else seeds[:1]
        samples += [(None if shots == "all" else int(shots), seed) for seed in entry_seeds]
    return samples


def _resolve(entry: RecipeEntry) -> tuple[type[Recipe[Any]], RecipeConfig]:
    factory = recipe_or_broken(entry.recipe)
    try:
        return factory, factory.Config.model_validate(entry.config)
    except ValidationError as error:
        raise RecipeError(f"recipe {entry.recipe!r}: {explain(error, factory.Config)}") from error
    except Exception as error:  # A config's validators may raise anything.
        raise RecipeError(
            f"recipe {entry.recipe!r}: its settings cannot be checked ({type(error).__name__}: {shown(str(error))})."
        ) from error
