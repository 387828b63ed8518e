"""What runs of the same recipe took before: better than any measurement of a moment."""

from collections.abc import Sequence
from statistics import median

from workbench.recipes import RunSpec
from workbench.runs.planned import PlannedRun
from workbench.runs.provenance import device_name
from workbench.tracking import RunResult, schema


def fit_seconds(batch: Sequence[PlannedRun], before: Sequence[RunResult]) -> float | None:
    """Time to fit a batch by finished runs on this device that differ in nothing but the seed; None if one lacks them.

    Args:
        batch: Planned runs.
        before: Runs of the store.
    """
    total = 0.0
    for run in batch:
        times = [each.metrics["train_seconds"] for each in before if _is_like(run, each)]
        if not times:
            return None
        total += median(times)
    return total


def _is_like(run: PlannedRun, before: RunResult) -> bool:
    spec, tags, encoder = run.spec, before.tags, run.data.encoder
    if before.status != "finished" or "train_seconds" not in before.metrics:
        return False
    return (
        (before.recipe, before.shots) == (spec.recipe, spec.shots_text)
        and tags.get(schema.RECIPE_VERSION) == spec.factory.version
        and tags.get(schema.RECIPE_SOURCE, "") == run.source.digest
        and before.params == _params(spec)
        and tags.get("dataset.fingerprint") == run.data.dataset.fingerprint
        and tags.get("model.fingerprint", encoder.fingerprint) == encoder.fingerprint
        and tags.get("device.name") == device_name(run.data.device)
    )


def _params(spec: RunSpec) -> dict[str, str]:
    return {key: str(value) for key, value in spec.config.model_dump(mode="json").items()}
