"""The curve of WiSE-FT: what is gained and what is forgotten between the weights before and those after.

Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models" (CVPR 2022). The point on it is chosen on validation: the best
for what the adaptation is for, among those that forget no more than is tolerated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from workbench.adaptation.measured import MeasuredSet, mean_over
from workbench.models import LoadedModel
from workbench.runs.reporter import Reporter
from workbench.training import Compute, NetworkEncoder
from workbench.training.interpolation import interpolate
from workbench.training.loop import snapshot
from workbench.training.weights import put_weights

_ROUNDING = 1e-9
"""A loss of exactly the tolerance is tolerated."""


@dataclass(frozen=True)
class CurvePoint:
    """Validation at one share of the weights after.

    Attributes:
        alpha: 0..1.
        values: Metric of each dataset, by name.
        in_domain: Mean over the datasets that the adaptation is for.
        retention: Mean over those that must not be forgotten; None where there are none.
    """

    alpha: float
    values: Mapping[str, float]
    in_domain: float
    retention: float | None

    def forgets(self, before: "CurvePoint") -> float:
        """How much of the mean that must not be forgotten is lost; negative where it rose, 0 where there is none."""
        return 0.0 if self.retention is None or before.retention is None else before.retention - self.retention


class WeightLine:
    """A network whose weights lie between those before and those after.

    Args:
        loaded: As before, on the device of `compute`; changed in place.
        after: Weights that differ, by name.
        compute: Device and precision.
    """

    def __init__(self, loaded: LoadedModel, after: Mapping[str, Tensor], compute: Compute) -> None:
        self._loaded, self._compute = loaded, compute
        names = dict(loaded.network.named_parameters())
        self._before = snapshot({name: names[name] for name in after})
        self._parameters = put_weights(loaded, after)
        self._after = snapshot(self._parameters)

    def at(self, alpha: float) -> NetworkEncoder:
        """The network at a share of the weights after; it changes when `at` is called again."""
        interpolate(self._parameters, self._before, self._after, alpha)
        return NetworkEncoder(
            self._loaded, self._compute, scale=self._loaded.logit_scale, bias=self._loaded.logit_bias
        )  # fmt: skip


def walk(
    line: WeightLine, sets: Sequence[MeasuredSet], alphas: Sequence[float], reporter: Reporter
) -> list[CurvePoint]:  # fmt: skip
    """Measure validation of all sets at each alpha, ascending."""
    points = []
    for done, alpha in enumerate(alphas, 1):
        network = line.at(alpha)
        values = [each.value(network) for each in sets]
        means = []
        for role in ("evaluate", "retention"):
            own = [(each, value) for each, value in zip(sets, values, strict=True) if each.role == role]
            means.append(mean_over([each for each, _ in own], [value for _, value in own]) if own else None)
        named = {each.name: value for each, value in zip(sets, values, strict=True)}
        points.append(CurvePoint(alpha, named, means[0] or 0.0, means[1]))
        reporter.progress("weights between before and after", done, len(alphas))
    return points


def choose(points: Sequence[CurvePoint], tolerance: float) -> CurvePoint:
    """The best point for what the adaptation is for, of those that forget at most `tolerance`.

    Of equals the one that forgets least, then the nearest to the weights before.

    Args:
        points: The first is alpha 0, which forgets nothing.
        tolerance: 0..1.
    """
    tolerated = [point for point in points if point.forgets(points[0]) <= tolerance + _ROUNDING]
    return max(tolerated, key=lambda point: (point.in_domain, -point.forgets(points[0]), -point.alpha))
