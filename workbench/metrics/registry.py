"""All metrics by name: the workbench's, and those of installed packages."""

from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from workbench.errors import UnknownMetricError, WorkbenchError
from workbench.metrics import (
    adaptation,
    captions,
    checklists,
    classification,
    costs,
    decisions,
    derived,
    frequency,
    generation,
    hierarchy,
    matching,
    prediction_sets,
    retrieval,
    selective,
    unknown,
    unseen,
)
from workbench.metrics.metric import Metric, Quantity
from workbench.registry import Registry, closest


def _is_metric(loaded: Any, point: EntryPoint) -> Metric:
    if not isinstance(loaded, Metric):
        raise WorkbenchError(f"metric {point.name!r}: {point.value} is not a workbench.plugin.Metric.")
    if loaded.name != point.name:
        raise WorkbenchError(f"metric {point.name!r}: {point.value} calls itself {loaded.name!r}.")
    return loaded


plugins: Registry[Metric] = Registry("workbench.metrics", "metric", _is_metric)
"""Metrics of other distributions."""


@cache
def added_metrics() -> tuple[Metric, ...]:
    """The metrics of other distributions; a broken one is left out, and `workbench list metrics` says why."""
    metrics = []
    for name in plugins.names():
        with suppress(WorkbenchError):
            metrics.append(plugins.get(name))
    return tuple(metrics)


def added_for(predictions: type) -> tuple[Metric, ...]:
    """The metrics of other distributions whose needs a class of predictions meets."""
    has = {*dir(predictions), *predictions.__annotations__}
    return tuple(metric for metric in added_metrics() if has.issuperset(metric.needs))


@cache
def all_metrics() -> dict[str, Metric]:
    """All metrics by name."""
    built_in = (
        *classification.METRICS, *classification.DOMAIN_METRICS, *classification.CLASS_METRICS, *unseen.METRICS,
        *selective.METRICS, *decisions.METRICS, *prediction_sets.METRICS, *prediction_sets.DOMAIN_METRICS,
        *unknown.METRICS, *hierarchy.METRICS, *frequency.METRICS, *checklists.METRICS, *derived.METRICS,
        *matching.METRICS, *retrieval.METRICS, *captions.METRICS, *generation.METRICS,
    )  # fmt: skip
    return {metric.name: metric for metric in (*added_metrics(), *built_in)}


@cache
def _quantities() -> dict[str, Quantity]:
    return {
        quantity.name: quantity
        for quantity in (*costs.QUANTITIES, *generation.DISTANCES, *adaptation.QUANTITIES, *derived.QUANTITIES)
    }


def fitting_metrics(predictions: object) -> list[Metric]:
    """All registered metrics whose needs an object meets; it may yet leave one of them undefined."""
    return [metric for metric in all_metrics().values() if metric.fits(predictions)]


def metric_named(name: str) -> Metric:
    """The metric of a name; `auroc/oedema` is `auroc` of one label.

    Raises:
        UnknownMetricError: No metric is called so.
    """
    base = base_name(name)
    metric = all_metrics().get(base)
    if metric is None:
        raise UnknownMetricError(f"no metric is called {name!r}.{closest(base, all_metrics())}")
    return metric


def quantity_named(name: str) -> Quantity:
    """The description of a recorded number, a metric or another.

    Of a name that is not registered, such as a metric of a package that is not installed any more, more is taken to be
    better, and the range is open.
    """
    base = base_name(name)
    return all_metrics().get(base) or _quantities().get(base) or Quantity(name=base)


def base_name(name: str) -> str:
    """The metric without the label or kind it is for: `auroc/oedema` is `auroc`."""
    return name.partition("/")[0]


def higher_is_better(name: str) -> bool:
    """Whether larger values of a recorded number are better."""
    return quantity_named(name).higher_is_better
