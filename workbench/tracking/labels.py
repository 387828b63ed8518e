"""Labels of recipes in tables, with the settings in which runs differ."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from workbench.tracking import schema
from workbench.tracking.results import RunResult

_SHOWN = 3
"""Settings to show where more differ, unless it takes more to distinguish all."""
_LONGEST = 28
_CIRCUMSTANCES = {
    "refit": "workbench.refit",
    "precision": "precision",
    "preprocessing": "preprocessing",
    "version": schema.RECIPE_VERSION,
    "weights": "model.fingerprint",
    "source": schema.RECIPE_SOURCE,
    "suite": schema.SUITE,
}
"""Further differences between runs, and the tags that hold them, the most important first."""


def labels_apart(runs: Sequence[RunResult], *, by_seed: bool = True) -> list[RunResult]:
    """Give runs that differ in settings labels that name these: `zero-shot (prompts=single)`.

    Runs that still look the same on one dataset name what else differs: refitting, precision, the version or the source
    of the recipe, the model's weights, or the suite. Inference that is not inductive is always named: `tda (online)`.

    Args:
        runs: All that are shown together; the same label names the same settings among them.
        by_seed: Whether each seed has a row of its own; if not, runs of different seeds look the same.
    """
    named = settings_apart([(run.label, run.recipe, run.params) for run in runs])
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        state = tuple(run.tags.get(name, "") for name in ("dataset.fingerprint", "workbench.protocol"))
        seed = run.seed if by_seed else None
        alike[run.dataset, state, run.model, run.label, tuple(named[i]), run.shots, seed].append(i)
    for places in (indices for indices in alike.values() if len(indices) > 1):
        circumstances = [_circumstances(runs[i]) for i in places]
        for i, parts in zip(places, _parts(circumstances, _CIRCUMSTANCES, shown=1), strict=True):
            named[i] += parts
    named = [[*_mark(run), *parts] for run, parts in zip(runs, named, strict=True)]
    return [
        replace(run, tags={**run.tags, schema.LABEL: with_settings(run.label, parts)}) if parts else run
        for run, parts in zip(runs, named, strict=True)
    ]


def settings_apart(entries: Sequence[tuple[str, str, Mapping[str, object]]]) -> list[list[str]]:
    """The `KEY=VALUE` parts to add to each label, so that equal labels are equal recipes with equal settings.

    Args:
        entries: Label, recipe and settings of each.
    """
    additions: list[list[str]] = [[] for _ in entries]
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, (label, recipe, _) in enumerate(entries):
        places[label][recipe].append(i)
    for by_recipe in places.values():
        for recipe, indices in by_recipe.items():
            texts = [{key: str(value) for key, value in entries[i][2].items()} for i in indices]
            keys = sorted({key for setting in texts for key in setting})
            for i, parts in zip(indices, _parts(texts, keys, shown=_SHOWN), strict=True):
                additions[i] = [*([f"recipe={recipe}"] if len(by_recipe) > 1 else []), *parts]
    return additions


def with_settings(label: str, parts: Sequence[str]) -> str:
    """A label with its settings in brackets."""
    return f"{label} ({', '.join(parts)})" if parts else label


def _mark(run: RunResult) -> list[str]:
    return [] if run.inference == "inductive" else [run.inference]


def _parts(settings: Sequence[Mapping[str, str]], keys: Iterable[str], *, shown: int) -> list[list[str]]:
    """`KEY=VALUE` of the keys that differ: all where they are few, else as few as distinguish all settings."""
    differing = [key for key in keys if len({setting.get(key) for setting in settings}) > 1]
    chosen = differing if len(differing) <= shown else _fewest(settings, differing, shown)
    more = ["..."] if shown > 1 and len(chosen) < len(differing) else []
    whole = [[_part(key, setting.get(key)) for key in chosen] for setting in settings]
    short = [[_part(key, _shortened(setting.get(key))) for key in chosen] for setting in settings]
    clear = _count(map(tuple, short)) == _count(map(tuple, whole))
    return [[*parts, *more] for parts in (short if clear else whole)]


def _fewest(settings: Sequence[Mapping[str, str]], keys: Sequence[str], shown: int) -> list[str]:
    """Keys that distinguish all settings, chosen greedily; up to `shown` with further keys that differ."""
    chosen: list[str] = []
    n_total = _count(tuple(setting.get(key) for key in keys) for setting in settings)

    def n_distinct(subset: Sequence[str]) -> int:
        return _count(tuple(setting.get(key) for key in subset) for setting in settings)

    while n_distinct(chosen) < n_total:
        chosen.append(max((key for key in keys if key not in chosen), key=lambda key: n_distinct([*chosen, key])))
    idle = [key for key in keys if key not in chosen][: max(shown - len(chosen), 0)]
    return [key for key in keys if key in {*chosen, *idle}]


def _circumstances(run: RunResult) -> dict[str, str]:
    tags = {**run.tags, schema.SUITE: run.suite}
    return {name: value[:_LONGEST] for name, tag in _CIRCUMSTANCES.items() if (value := tags.get(tag))}


def _part(key: str, value: str | None) -> str:
    return f"{key} unset" if value is None else f"{key}={value}"


def _shortened(value: str | None) -> str | None:
    if value is None or len(value) <= _LONGEST:
        return value
    return f"{value[: _LONGEST // 2 - 2]}...{value[-(_LONGEST // 2 - 2) :]}"


def _count(items: Iterable[Hashable]) -> int:
    return len(set(items))
