"""Names that fit: long model names cut in their middle, and what is the same everywhere said once."""

from collections.abc import Sequence

from dashboards.views.standings import Standing
from workbench.runs.planning import NO_MODEL

_LONGEST, _GLANCE = 24, 6


def shortened(name: str, longest: int = _LONGEST) -> str:
    """A name of at most `longest` characters; its two ends, which tell models apart, are kept."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def shortened_apart(names: Sequence[str], longest: int = _LONGEST) -> list[str]:
    """All names `shortened` to `longest` characters, or to as many more as it takes to tell them apart at a glance."""
    different = list(dict.fromkeys(names))
    lengths = range(longest, max(map(len, different), default=0) + 1)
    enough = next((each for each in lengths if len({shortened(name, each) for name in different}) == len(different)), 0)
    # A single letter that differs would be overlooked.
    length = enough + _GLANCE if enough > longest else longest
    return [shortened(name, length) for name in names]


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
