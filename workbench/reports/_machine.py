"""CSV and JSON of results, one object a run."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.reports._table import ResultSection
from workbench.reports._text import spreadsheet
from workbench.tracking import RunResult, labels_apart, schema

_FINGERPRINT = "dataset.fingerprint"
_IDENTITY = ("run_id", "suite", "model", "dataset", "field", "task", "recipe", "shots", "seed", "status")
_LABEL = "label"


def to_json(results: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None) -> str:
    """The objects with only the chosen metrics; a number that JSON cannot hold is null."""
    objects = [{**result, "metrics": _chosen(result["metrics"], metrics)} for result in results]
    return json.dumps(_finite(objects), indent=2, ensure_ascii=False, allow_nan=False)


def to_csv(results: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None) -> str:
    """One row a run, a column for each metric and each end of its interval, values unrounded; the error last."""
    chosen = [_chosen(result["metrics"], metrics) for result in results]
    names = list(dict.fromkeys(name for run_metrics in chosen for name in run_metrics))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_IDENTITY, _LABEL, _FINGERPRINT, *map(spreadsheet, names), "error"])
    labels = [run.label for run in labels_apart([RunResult(**result) for result in results])]
    for result, run_metrics, label in zip(results, chosen, labels, strict=True):
        identity = [*(spreadsheet(str(result[key])) for key in _IDENTITY), spreadsheet(label)]
        identity.append(spreadsheet(str(result["tags"].get(_FINGERPRINT, ""))))
        values = ["" if _missing(run_metrics.get(name)) else repr(float(run_metrics[name])) for name in names]
        writer.writerow([*identity, *values, spreadsheet(str(result["tags"].get(schema.ERROR, "")))])
    return out.getvalue()


def aggregated_csv(sections: Sequence[ResultSection]) -> str:
    """One row for the seeds of a run and a metric: mean, standard deviation and 95 % interval, unrounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    identity = ["dataset", "dataset_state", "field", "model", "recipe", "shots", "seeds", "status"]
    writer.writerow([*identity, "metric", "mean", "sd", "low", "high"])
    for section in sections:
        for row in section.rows:
            texts = (
                section.dataset, section.state, section.field, row.model, row.recipe, row.shots, row.seeds, row.status,
            )  # fmt: skip
            for metric, cell in row.cells.items():
                numbers = (cell.value, cell.spread, cell.low, cell.high)
                values = ("" if math.isnan(value) else repr(value) for value in numbers)
                writer.writerow([*map(spreadsheet, texts), spreadsheet(metric), *values])
    return out.getvalue()


def aggregated_json(sections: Sequence[ResultSection]) -> str:
    """One object for the seeds of a run, metrics as `{mean, sd, low, high}`."""
    rows = [
        {
            "dataset": section.dataset,
            "dataset_state": section.state,
            "field": section.field,
            "model": row.model,
            "recipe": row.recipe,
            "shots": row.shots,
            "seeds": row.seeds,
            "status": row.status,
            "metrics": {
                name: {"mean": cell.value, "sd": cell.spread, "low": cell.low, "high": cell.high}
                for name, cell in row.cells.items()
            },
        }
        for section in sections
        for row in section.rows
    ]
    return json.dumps(_finite(rows), indent=2, ensure_ascii=False, allow_nan=False)


def _chosen(run_metrics: Mapping[str, float], metrics: Sequence[str] | None) -> dict[str, float]:
    if metrics is None:
        return dict(run_metrics)
    names = {f"{name}{end}" for name in metrics for end in ("", "_ci_low", "_ci_high")}
    return {name: value for name, value in run_metrics.items() if name in names}


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
