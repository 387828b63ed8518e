"""The tables of an adaptation: the curve on validation, and each dataset on test."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.adaptation.curve import CurvePoint
from workbench.adaptation.outcome import BEFORE, STATES, Outcome
from workbench.errors import DataError

CURVE, DATASETS = "curve.csv", "datasets.csv"
"""Artifacts."""


def curve_rows(points: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """A row an alpha: the two means and each dataset's metric, on validation."""
    return [
        {
            "alpha": point.alpha,
            "in_domain": point.in_domain,
            **({} if point.retention is None else {"retention": point.retention}),
            **point.values,
        }
        for point in points
    ]


def outcome_rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row a dataset and state: the metric on test with its interval, and the difference to the state before."""
    rows = []
    for outcome in outcomes:
        for state in STATES:
            estimate, difference = outcome.estimates[state], outcome.differences.get(state)
            row = {
                "dataset": outcome.measured.name,
                "for": outcome.measured.role,
                "metric": outcome.measured.metric,
                "state": state,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "reliable": estimate.reliable,
            }
            if state != BEFORE and difference is not None:
                row |= {
                    "difference": difference.value,
                    "difference_low": difference.low,
                    "difference_high": difference.high,
                    "p_value": outcome.p_values[state],
                    "test": difference.test,
                }
            rows.append(row)
    return rows


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV; a key that a row lacks is empty."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows as `write_rows` wrote them, numbers as numbers; empty cells are left out."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from error
    return [{key: _value(text) for key, text in row.items() if text} for row in rows]


def _value(text: str) -> Any:
    if text in {"True", "False"}:
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return text
