"""What readers must know of comparisons between recipes that saw more of the test images and those that saw less."""

from collections.abc import Iterable

from workbench.recipes import INFERENCES
from workbench.tracking import RunResult

_WORDS = {
    "inductive": "each test image by itself",
    "transductive": "all test images together, without labels",
    "online": "the test images as a stream, without labels",
}


def across_inference(runs: Iterable[RunResult]) -> list[str]:
    """A sentence where the inference of runs differs; none where all saw alike much."""
    labels: dict[str, list[str]] = {}
    for run in runs:
        of_kind = labels.setdefault(run.inference, [])
        if run.label not in of_kind:
            of_kind.append(run.label)
    if len(labels) < 2:
        return []
    kinds = sorted(labels, key=lambda kind: (kind not in INFERENCES, kind))
    parts = [f"{_listed(labels[kind])} saw {_WORDS.get(kind, kind)} ({kind})" for kind in kinds]
    return [f"This compares across inference: {'; '.join(parts)}. A difference is also one of what was seen."]


def _listed(labels: list[str]) -> str:
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
