"""How often intervals of docs/decisions.md hold the truth, and its tests err.

Run it with `python tests/calibration/bench_decisions.py`.
Normal scores 1.5 apart, 30 % positive; with groups two images a patient whose scores correlate by a half. Prints shares
over 1,000 simulated test sets, and asserts nothing.
"""

import numpy as np
from scipy.special import ndtr

from workbench.metrics import estimate_metrics, metric_named
from workbench.metrics.decisions import METRICS, Decisions
from workbench.tasks.classification.choices import Choices
from workbench.tasks.classification.predictions import ClassPredictions
from workbench.tasks.classification.subgroup_tests import subgroup_tests

REPEATS = 1000


def coverage(n: int, groups: bool, threshold: float = 0.8, share: float = 0.3) -> dict[str, float]:
    """Share of intervals that hold the truth."""
    sensitivity, specificity = 1 - ndtr(threshold - 1.5), ndtr(threshold)

    def ppv(prevalence: float) -> float:
        right, wrong = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
        return right / (right + wrong)

    truth = {
        "sensitivity_at/0": sensitivity, "specificity_at/0": specificity, "ppv_at/0": ppv(share),
        "ppv_at_prevalence/0": ppv(0.02), "sensitivity_at_specificity/0": 1 - ndtr(1.2815515594 - 1.5),
        "sensitivity_at_specificity/1": 1 - ndtr(1.6448536270 - 1.5), "positive_auroc": ndtr(1.5 / np.sqrt(2)),
    }  # fmt: skip
    held, rng = dict.fromkeys(truth, 0), np.random.default_rng(1)
    for _ in range(REPEATS):
        codes = np.repeat(np.arange(n // 2), 2) if groups else np.arange(n)
        positive = (rng.random(codes.max() + 1) < share)[codes]
        scores = np.sqrt(0.5) * (rng.normal(size=codes.max() + 1)[codes] + rng.normal(size=n)) + 1.5 * positive
        decisions = Decisions(positive, (scores >= threshold)[:, None], scores, prevalence=0.02)
        found = estimate_metrics(METRICS, decisions, n, codes if groups else None, replicates=500)
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    return {name: count / REPEATS for name, count in held.items()}


def claims(per_group: int, n: int = 120) -> float:
    """Share of test sets with a corrected p-value up to 0.05 among three, where subgroups do not differ."""
    rng, count = np.random.default_rng(0), 0
    tested = [metric_named(f"gap_subgroup_{name}") for name in ("accuracy", "auroc")]
    for _ in range(REPEATS // 2):
        labels, groups = np.arange(n) % 2, np.arange(n) // per_group
        sex = rng.choice(["F", "M"], groups.max() + 1)[groups]
        margin = 1.6 * labels - 0.8 + rng.normal(size=groups.max() + 1)[groups] + 0.3 * rng.normal(size=n)
        predictions = ClassPredictions(
            [str(i) for i in range(n)], [str(group) for group in groups], labels,
            np.stack([np.zeros(n), margin], axis=1).astype(np.float32), ("a", "b"), subgroups={"sex": sex.tolist()},
            choices=Choices((1,), ("youden",), (0.0,)),
        )  # fmt: skip
        found = subgroup_tests(predictions, [*tested, metric_named("subgroup_sensitivity_at")])
        count += min(found.values()) <= 0.05
    return count / (REPEATS // 2)


if __name__ == "__main__":
    for n in (100, 400):
        for groups in (False, True):
            print(n, "in pairs" if groups else "alone", coverage(n, groups), flush=True)
    print("claims", [claims(per_group) for per_group in (1, 4)])
