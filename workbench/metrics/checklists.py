"""Lists of the classes that occur in a region: how often the true class is among them."""

from workbench.metrics.metric import Metric, mean_of, proportion

METRICS: tuple[Metric, ...] = (
    proportion("checklist_coverage", lambda images: mean_of(images.listed), ["listed"]),
)  # fmt: skip
