"""Where a recipe does worst, in sentences: the domain, and the subgroup of each column.

They are made of the metrics that its runs have recorded. The worst of several estimates looks worse than the truth, so
of a single run the interval is that of the worst of them, which allows for it (see
`workbench.metrics.intervals.interval_of_worst`); of several seeds there is their range.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

from workbench.formatting import format_p
from workbench.metrics import higher_is_better
from workbench.metrics.derived import P_SUBGROUP, SUBGROUP, WORST_SUBGROUP
from workbench.metrics.domains import MEAN, WORST, ranked_metric
from workbench.metrics.formatting import format_interval, format_value
from workbench.runs.comparisons import GroupResult
from workbench.runs.comparisons.suite import LEVEL

_ENDS = ("_ci_low", "_ci_high")
_Metrics = Sequence[Mapping[str, float]]
"""Of each seed's run."""


def worst_domain(entry: GroupResult, metric: str) -> list[str]:
    """A sentence on the domain in which the mean over seeds is worst; none where there are fewer than two domains.

    Args:
        entry: The recipe.
        metric: Its name; of one over domains, the metric that is measured in each.
    """
    name, runs = ranked_metric(metric), _metrics(entry)
    domains = _values(runs, f"{MEAN}{name}/")
    if len(domains) < 2:
        return []
    worst = _worst_of(name, domains)
    value = _value(name, domains[worst], runs, f"{WORST}{name}")
    mean = format_value(name, statistics.fmean(run.get(f"{MEAN}{name}", math.nan) for run in runs), unit=True)
    return [f"Of {len(domains)} domains {entry.group.label} does worst in {worst}: {value}; the mean of all is {mean}."]


def worst_subgroups(entry: GroupResult, metric: str) -> list[str]:
    """A sentence for each column of subgroups, with the test of whether they differ; see `worst_domain`."""
    said = []
    name, runs = ranked_metric(metric), _metrics(entry)
    columns = _values(runs, f"{WORST_SUBGROUP}{name}/")
    for column in columns:
        subgroups = _subgroups(name, column, columns, runs)
        if len(subgroups) > 1:
            worst = _worst_of(name, subgroups)
            value = _value(name, subgroups[worst], runs, f"{WORST_SUBGROUP}{name}/{column}")
            tested = _tested([run.get(f"{P_SUBGROUP}{name}/{column}", math.nan) for run in runs])
            said.append(f"By {column} {entry.group.label} does worst for {worst}: {value}; {tested}.")
    return said


def _metrics(entry: GroupResult) -> _Metrics:
    return [run.metrics for run in entry.group.runs]


def _values(runs: _Metrics, beginning: str) -> dict[str, float]:
    """What names of one beginning go on with, up to the next stroke, and their means over seeds that have a value."""
    names = dict.fromkeys(
        name.removeprefix(beginning)
        for run in runs for name in run
        if name.startswith(beginning) and not name.endswith(_ENDS)
    )  # fmt: skip
    found = {
        name: [run[f"{beginning}{name}"] for run in runs if not math.isnan(run.get(f"{beginning}{name}", math.nan))]
        for name in names
        if "/" not in name  # A part of the metric, such as a label of several.
    }
    return {name: statistics.fmean(values) for name, values in found.items() if values}


def _subgroups(metric: str, column: str, columns: Mapping[str, float], runs: _Metrics) -> dict[str, float]:
    """The mean of each subgroup of a column; none where names do not say which they are.

    A subgroup is recorded as its column and value with a space between; other columns may begin alike.
    """
    beginning = f"{SUBGROUP}{metric}/"
    others = tuple(f"{other} " for other in columns if other.startswith(f"{column} "))
    found = {
        name.removeprefix(f"{column} "): value
        for name, value in _values(runs, beginning).items()
        if name.startswith(f"{column} ") and not name.startswith(others)
    }
    for run in runs:
        own = _values([run], beginning)
        own = {name: own[f"{column} {name}"] for name in found if f"{column} {name}" in own}
        recorded = run.get(f"{WORST_SUBGROUP}{metric}/{column}", math.nan)
        if not own or not math.isclose(own[_worst_of(metric, own)], recorded, rel_tol=1e-6, abs_tol=1e-9):
            return {}
    return found


def _worst_of(metric: str, values: Mapping[str, float]) -> str:
    return (min if higher_is_better(metric) else max)(values, key=values.__getitem__)


def _value(metric: str, mean: float, runs: _Metrics, worst: str) -> str:
    """The mean, and of what the metric that is the worst of all has recorded its interval, or its range over seeds."""
    said = f"{format_value(metric, mean, unit=True)} {metric}"
    if len(runs) > 1:
        values = [run.get(worst, math.nan) for run in runs]
        ends = format_interval(metric, min(values), max(values))
        return f"{said} (the worst of each seed: {ends})" if ends else said
    ends = format_interval(metric, *(runs[0].get(f"{worst}{end}", math.nan) for end in _ENDS))
    return f"{said} (95 % interval of the worst: {ends})" if ends else said


def _tested(p_values: Sequence[float]) -> str:
    """What the tests of a column's subgroups say, one a seed."""
    known = [p_value for p_value in p_values if not math.isnan(p_value)]
    if not known:
        return "whether subgroups differ was not tested"
    shown = sum(p_value < LEVEL for p_value in known)
    if len(known) > 1:
        return f"the test within each run shows that subgroups differ with {shown} of {len(known)} seeds"
    claim = "subgroups differ" if shown else "there is no evidence that subgroups differ"
    return f"{claim} ({format_p(known[0])}, corrected over the tests of this run)"
