"""Names that fit: long model names cut in their middle, and what is the same everywhere said once."""

from collections import Counter
from collections.abc import Sequence

from dashboards.views.standings import Standing
from workbench.runs.planning import NO_MODEL

_LONGEST = 24


def shortened(name: str, longest: int = _LONGEST) -> str:
    """A name of at most `longest` characters; its two ends, which tell models apart, are kept."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def shortened_apart(names: Sequence[str], longest: int = _LONGEST) -> list[str]:
    """Each name `shortened`; those that would be alike then stay whole."""
    short = {name: shortened(name, longest) for name in dict.fromkeys(names)}
    counts = Counter(short.values())
    return [short[name] if counts[short[name]] == 1 else name for name in names]


def standing_names(ranked: Sequence[Standing]) -> list[str]:
    """A name for each: its recipe, and model and shots where they differ. No two are alike if no two whole ones are."""
    models = {standing.first.model for standing in ranked} - {NO_MODEL}
    shots = {standing.shots for standing in ranked} - {"-"}
    names = []
    for standing in ranked:
        words = [standing.first.label]
        words += [shortened(standing.first.model)] if len(models) > 1 and standing.first.model != NO_MODEL else []
        words += [standing.shots] if len(shots) > 1 else []
        words += [standing.language] if standing.language else []
        names.append(" · ".join(words))
    # Two models can have the same ends.
    return [name if names.count(name) == 1 else whole.name for name, whole in zip(names, ranked, strict=True)]
