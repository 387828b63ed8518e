"""What tables call recipes: labels that name the settings in which runs differ."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from workbench.tracking import schema
from workbench.tracking.results import RunResult

_SHOWN = 3
"""Settings that are shown where more differ, unless it takes more of them to tell all apart."""
_LONGEST = 28
_CIRCUMSTANCES = {
    "refit": "workbench.refit",
    "precision": "precision",
    "version": schema.RECIPE_VERSION,
    "weights": "model.fingerprint",
    "source": schema.RECIPE_SOURCE,
    "suite": schema.SUITE,
}
"""What else tells runs apart, and the tags that say it, the most telling first."""


def labels_apart(runs: Sequence[RunResult], *, by_seed: bool = True) -> list[RunResult]:
    """Give runs that differ in settings labels that name these: `zero-shot (prompts=single)`.

    Runs that still look the same on one dataset name what else differs: refitting, precision, the version or the source
    of the recipe, the model's weights, or the suite.

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
    for places in (own for own in alike.values() if len(own) > 1):
        circumstances = [_circumstances(runs[i]) for i in places]
        for i, parts in zip(places, _parts(circumstances, _CIRCUMSTANCES, shown=1), strict=True):
            named[i] += parts
    return [
        replace(run, tags={**run.tags, schema.LABEL: with_settings(run.label, parts)}) if parts else run
        for run, parts in zip(runs, named, strict=True)
    ]


def settings_apart(entries: Sequence[tuple[str, str, Mapping[str, object]]]) -> list[list[str]]:
    """What to add to each label, as `KEY=VALUE`, so that equal labels are equal recipes with equal settings.

    Args:
        entries: Label, recipe and settings of each.
    """
    found: list[list[str]] = [[] for _ in entries]
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, (label, recipe, _) in enumerate(entries):
        places[label][recipe].append(i)
    for by_recipe in places.values():
        for recipe, own in by_recipe.items():
            texts = [{key: str(value) for key, value in entries[i][2].items()} for i in own]
            keys = sorted({key for each in texts for key in each})
            for i, parts in zip(own, _parts(texts, keys, shown=_SHOWN), strict=True):
                found[i] = [*([f"recipe={recipe}"] if len(by_recipe) > 1 else []), *parts]
    return found


def with_settings(label: str, parts: Sequence[str]) -> str:
    """A label with what was added to it."""
    return f"{label} ({', '.join(parts)})" if parts else label


def _parts(settings: Sequence[Mapping[str, str]], keys: Iterable[str], *, shown: int) -> list[list[str]]:
    """`KEY=VALUE` of the keys that differ: all where they are few, else those that it takes to tell all apart."""
    differing = [key for key in keys if len({each.get(key) for each in settings}) > 1]
    chosen = differing if len(differing) <= shown else _fewest(settings, differing, shown)
    more = ["..."] if shown > 1 and len(chosen) < len(differing) else []
    whole = [[_part(key, each.get(key)) for key in chosen] for each in settings]
    short = [[_part(key, _shortened(each.get(key))) for key in chosen] for each in settings]
    clear = _count(map(tuple, short)) == _count(map(tuple, whole))
    return [[*parts, *more] for parts in (short if clear else whole)]


def _fewest(settings: Sequence[Mapping[str, str]], keys: Sequence[str], shown: int) -> list[str]:
    """Keys that tell all apart, each time the one that tells most apart; others that differ up to `shown`."""
    chosen: list[str] = []
    everything = _count(tuple(each.get(key) for key in keys) for each in settings)

    def apart(own: Sequence[str]) -> int:
        return _count(tuple(each.get(key) for key in own) for each in settings)

    while apart(chosen) < everything:
        chosen.append(max((key for key in keys if key not in chosen), key=lambda key: apart([*chosen, key])))
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
