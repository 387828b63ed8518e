"""Where a recipe does worst, in sentences: the domain, and the subgroup of each column.

The worst of several estimates looks worse than the truth, so that each is said with the interval of the metric that is
the worst of them, which allows for it (see `workbench.metrics.intervals.interval_of_worst`).
"""

import math
from collections.abc import Mapping

from workbench.formatting import format_p
from workbench.metrics import higher_is_better
from workbench.metrics.derived import P_SUBGROUP, SUBGROUP, WORST_SUBGROUP
from workbench.metrics.domains import MEAN, WORST, ranked_metric
from workbench.metrics.formatting import format_interval, format_value
from workbench.runs.comparisons import GroupResult
from workbench.runs.comparisons.suite import LEVEL

_ENDS = ("_ci_low", "_ci_high")


def worst_domain(entry: GroupResult, metric: str) -> list[str]:
    """A sentence on the worst domain; none where its runs were tested in fewer than two.

    Args:
        entry: The recipe; of several seeds the first speaks, as in the tables.
        metric: Its name; of one over domains, the metric that is measured in each.
    """
    metrics, name = entry.run.metrics, ranked_metric(metric)
    domains = _values(metrics, f"{MEAN}{name}/")
    if len(domains) < 2:
        return []
    worst = _worst_of(name, domains)
    mean = format_value(name, metrics.get(f"{MEAN}{name}", math.nan), unit=True)
    value = _with_interval(name, domains[worst], metrics, f"{WORST}{name}")
    return [f"Of its {len(domains)} domains it is worst in {worst}: {value}; their mean is {mean}{_of_seed(entry)}."]


def worst_subgroups(entry: GroupResult, metric: str) -> list[str]:
    """A sentence a column of subgroups, with the test of whether they differ; see `worst_domain`."""
    said = []
    metrics, name = entry.run.metrics, ranked_metric(metric)
    for column in _values(metrics, f"{WORST_SUBGROUP}{name}/"):
        subgroups = _values(metrics, f"{SUBGROUP}{name}/{column} ")
        if len(subgroups) < 2:
            continue
        worst = _worst_of(name, subgroups)
        value = _with_interval(name, subgroups[worst], metrics, f"{WORST_SUBGROUP}{name}/{column}")
        gap = _gap(metrics.get(f"{P_SUBGROUP}{name}/{column}", math.nan))
        said.append(f"By {column} it is worst for {worst}: {value}{gap}{_of_seed(entry)}.")
    return said


def _gap(p_value: float) -> str:
    """What the test of a column's subgroups says; nothing where there is none."""
    if math.isnan(p_value):
        return ""
    claim = "subgroups differ" if p_value < LEVEL else "there is no evidence that subgroups differ"
    return f"; {claim} ({format_p(p_value)} after Holm correction)"


def _values(metrics: Mapping[str, float], beginning: str) -> dict[str, float]:
    """What names of one beginning go on with, and their values; undefined ones are left out."""
    return {
        name.removeprefix(beginning): value
        for name, value in metrics.items()
        if name.startswith(beginning) and not name.endswith(_ENDS) and not math.isnan(value)
    }


def _worst_of(metric: str, values: Mapping[str, float]) -> str:
    return (min if higher_is_better(metric) else max)(values, key=values.__getitem__)


def _with_interval(metric: str, value: float, metrics: Mapping[str, float], name: str) -> str:
    low, high = (metrics.get(f"{name}{end}", math.nan) for end in _ENDS)
    return f"{format_value(metric, value, unit=True)} {format_interval(metric, low, high)}".strip()


def _of_seed(entry: GroupResult) -> str:
    return f" (seed {entry.run.seed})" if len(entry.group.runs) > 1 else ""
