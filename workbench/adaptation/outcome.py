"""What an adaptation has brought and cost, on test: before, after, and at the chosen point, with paired tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.adaptation.curve import WeightLine
from workbench.adaptation.measured import MeasuredSet
from workbench.metrics import Estimate, compare_measured
from workbench.metrics.comparison import PairedDifference
from workbench.metrics.significance import holm
from workbench.runs.comparisons.measuring import measure_groups
from workbench.runs.reporter import Reporter
from workbench.tasks import Predictions

BEFORE, AFTER, CHOSEN = STATES = ("before", "after", "chosen")
"""States of the weights: alpha 0, 1, and the chosen one."""


@dataclass(frozen=True)
class Outcome:
    """A dataset's test images by the weights before, after, and chosen.

    Attributes:
        measured: The dataset.
        predictions: By state.
        estimates: The metric with its interval, by state.
        differences: To the state before, by state.
        p_values: Of the differences, Holm-corrected over all differences of the adaptation, by state.
    """

    measured: MeasuredSet
    predictions: Mapping[str, Predictions]
    estimates: Mapping[str, Estimate]
    differences: Mapping[str, PairedDifference]
    p_values: Mapping[str, float]


def examine(line: WeightLine, sets: Sequence[MeasuredSet], chosen: float, reporter: Reporter) -> list[Outcome]:
    """Measure test of all sets at alpha 0, 1 and the chosen one.

    Raises:
        DataError: A metric is not defined on test.
    """
    alphas = dict(zip(STATES, (0.0, 1.0, chosen), strict=True))
    predictions: dict[str, list[Predictions]] = {}
    for done, (state, alpha) in enumerate(alphas.items(), 1):
        same = next((other for other in predictions if alphas[other] == alpha), None)
        network = line.at(alpha)
        predictions[state] = predictions[same] if same else [each.predictions(network, each.test) for each in sets]
        reporter.progress("test", done, len(STATES))
    outcomes = []
    for i, each in enumerate(sets):
        own = {state: predictions[state][i] for state in STATES}
        for found in own.values():
            each.value_of(found)
        groups = measure_groups([[own[state]] for state in STATES], STATES, each.metric)
        differences = compare_measured(groups, [(1, 0), (2, 0)])
        estimates = {state: measured.estimate() for state, measured in zip(STATES, groups, strict=True)}
        outcomes.append((each, own, estimates, dict(zip((AFTER, CHOSEN), differences, strict=True))))
    corrected = iter(holm([d.p_value for *_, differences in outcomes for d in differences.values()]))
    return [
        Outcome(each, own, estimates, differences, {state: next(corrected) for state in differences})
        for each, own, estimates, differences in outcomes
    ]
