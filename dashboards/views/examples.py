"""Which of a run's test items a page shows, and how often the run is right on each part of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.metrics.measured import measure_items
from workbench.tasks import Example, group_codes

SHOWN = ("wrong", "right", "all")
SUSPECTS = "suspect labels"


@dataclass(frozen=True)
class PartShare:
    """How often a run is right on one part of the test items.

    Attributes:
        value: The part: a category, a class, a domain.
        count: Its items.
        share: Share of those that are right.
        low: Lower end of its 95 % interval, over groups where the card names them.
        high: Upper end.
        reliable: Whether the interval rests on enough groups.
        chance: Share that picking any answer would reach, or None.
    """

    value: str
    count: int
    share: float
    low: float
    high: float
    reliable: bool
    chance: float | None


def tagged(examples: Sequence[Example], shown: str, suspects: Sequence[int] = ()) -> list[Example]:
    """Those that are wrong, or right, or all, or the suspects; what is neither right nor wrong is always shown.

    Args:
        examples: All items of a run.
        shown: One of `SHOWN`, or `SUSPECTS`.
        suspects: Their places, in the order in which they are shown.
    """
    if shown == SUSPECTS:
        by_place = {each.place: each for each in examples}
        return [by_place[place] for place in suspects]
    wanted = {"wrong": False, "right": True}
    return [each for each in examples if shown == "all" or each.is_right in {None, wanted[shown]}]


def part_names(examples: Sequence[Example]) -> list[str]:
    """Names of the parts that any of the items has, in their order."""
    return list(dict.fromkeys(name for each in examples for name in each.parts))


def values_of(examples: Sequence[Example], name: str) -> list[str]:
    """Values of a part, sorted."""
    return sorted({each.parts[name] for each in examples if name in each.parts})


def shares_by(examples: Sequence[Example], name: str) -> list[PartShare]:
    """How often a run is right on each value of a part, the worst first.

    Args:
        examples: All items of a run; those without right and wrong are left out.
        name: The part.
    """
    judged = [each for each in examples if each.is_right is not None and name in each.parts]
    # In the order of the predictions, as the run's own metrics are made.
    judged.sort(key=lambda each: each.place)
    shares = [
        _share([each for each in judged if each.parts[name] == value], value) for value in values_of(judged, name)
    ]
    return sorted(shares, key=lambda part: part.share)


def _share(examples: Sequence[Example], value: str) -> PartShare:
    hits = np.array([each.is_right for each in examples], dtype=np.float64)
    groups = group_codes([each.parts.get("group") for each in examples])
    estimate = measure_items(hits, groups, metric="accuracy").estimate()
    chances = [each.chance for each in examples if each.chance is not None]
    chance = float(np.mean(chances)) if len(chances) == len(examples) else None
    return PartShare(
        value, len(examples), estimate.value, estimate.low, estimate.high, estimate.reliable, chance
    )  # fmt: skip
