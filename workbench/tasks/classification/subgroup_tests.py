"""Do subgroups differ in a metric by more than chance? A test for each column and metric, corrected over them all.

Where subgroups do not differ, it is chance which items are in which: names of subgroups are exchanged between items, or
between whole groups, and the metric is computed anew. The statistic is the spread of subgroups around their mean, each
counted by its items, sum_k n_k (m_k - m)^2. P-values are (1 + extreme) / (1 + permutations), which is valid for any
number of them (Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 2010).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import Metric, holm
from workbench.metrics import functional as F
from workbench.metrics.derived import GAP_SUBGROUP, P_SUBGROUP, SUBGROUP
from workbench.metrics.domains import numbered_domains
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.keys import metric_keys
from workbench.metrics.registry import metric_named
from workbench.tasks.classification.views import part_keys, view_of
from workbench.tasks.groups import group_codes

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions

PERMUTATIONS = 1999
_BLOCK_BYTES = 64 << 20


def subgroup_tests(predictions: "ClassPredictions", metrics: Sequence[Metric]) -> dict[str, float]:
    """`p_subgroup_X/COLUMN`, with `/POINT` where X is of operating points: p-values after Holm's correction over all.

    Columns whose values differ within a group are left out, as are those of one value: they have no test.

    Args:
        predictions: With labels.
        metrics: Those of the run; each X of which it has a gap, or `subgroup_X` at operating points, is tested.
    """
    bases = [metric_named(name) for name in dict.fromkeys(map(_tested, metrics)) if name]
    found: dict[str, float] = {}
    for key, values in zip(metric_keys(list(predictions.subgroups)), predictions.subgroups.values(), strict=True):
        names, codes = numbered_domains(values)
        units = group_codes(predictions.groups)
        units = np.arange(len(predictions.ids)) if units is None else units
        if codes is None or len(names) < 2 or not _constant(codes, units):
            continue
        for metric in bases:
            evaluate = _function(predictions, metric)
            if evaluate is None:
                continue
            p_values = _p_values(codes, len(names), units, evaluate)
            parts = part_keys(predictions, metric.name) if len(p_values) > 1 or metric.name.endswith("_at") else [""]
            for part, p_value in zip(parts, p_values, strict=False):
                found["/".join(filter(None, (f"{P_SUBGROUP}{metric.name}", key, part)))] = float(p_value)
    defined = {name: p_value for name, p_value in found.items() if not np.isnan(p_value)}
    return dict(zip(defined, map(float, holm(np.array(list(defined.values())))), strict=True)) if defined else {}


def _tested(metric: Metric) -> str:
    if metric.name.startswith(GAP_SUBGROUP):
        return metric.name.removeprefix(GAP_SUBGROUP)
    base = metric.name.removeprefix(SUBGROUP)
    return base if base != metric.name and base.endswith("_at") else ""


def _function(predictions: "ClassPredictions", metric: Metric) -> Callable[[FloatArray], F.Values] | None:
    """The metric, or each of its parts where it is nothing but these, (b, parts) of weights (b, n)."""
    evaluator = Evaluator([metric], view_of(predictions, metric.name))
    if metric.name not in evaluator.metrics:
        return None

    def evaluate(weights: FloatArray) -> F.Values:
        found = evaluator(weights)
        whole = found.get(metric.name)
        return np.stack(list(found.values()), axis=1) if whole is None else whole[:, None]

    return evaluate


def _constant(codes: AnyArray, units: AnyArray) -> bool:
    lowest, highest = np.full(units.max() + 1, codes.max() + 1), np.full(units.max() + 1, -2)
    np.minimum.at(lowest, units, codes)
    np.maximum.at(highest, units, codes)
    return bool((lowest == highest).all())


def _p_values(
    codes: AnyArray, count: int, units: AnyArray, evaluate: Callable[[FloatArray], F.Values]
) -> AnyArray:  # fmt: skip
    """One a part; NaN where the metric is undefined in a subgroup."""
    first = np.unique(units, return_index=True)[1]
    of_unit, rng = codes[first], np.random.default_rng(0)
    room = max(1, _BLOCK_BYTES // (8 * len(codes)))
    observed, extreme = _spread(codes[None], count, evaluate)[0], 0
    for start in range(0, PERMUTATIONS, room):
        rows = min(room, PERMUTATIONS - start)
        drawn = rng.permuted(np.broadcast_to(of_unit, (rows, len(of_unit))), axis=1)[:, units]
        spread = _spread(drawn, count, evaluate)
        # Undefined where a small subgroup lacks a class: taken for extreme, which errs on the safe side.
        extreme = extreme + (~(spread < observed * (1 - 1e-9))).sum(axis=0)
    return np.where(np.isnan(observed), np.nan, (1 + extreme) / (1 + PERMUTATIONS))


def _spread(codes: AnyArray, count: int, evaluate: Callable[[FloatArray], F.Values]) -> F.Values:
    """The statistic of codes (b, n), (b, parts)."""
    inside = [(codes == k).astype(np.float32) for k in range(count)]
    values = np.stack([evaluate(weights) for weights in inside])
    sizes = np.stack([weights.sum(axis=1) for weights in inside])[:, :, None]
    mean = (sizes * values).sum(axis=0) / sizes.sum(axis=0)
    return np.asarray((sizes * (values - mean) ** 2).sum(axis=0))
