"""A comparison as JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from workbench.reports.suite.learning import TIMES
from workbench.reports.suite.selection import Filters, select
from workbench.reports.suite.verdict import Verdict, verdicts
from workbench.reports.suite.verdict_words import cautions, in_words, next_steps
from workbench.runs.comparisons import GroupComparison, GroupResult, LearningCurve, SuiteComparison
from workbench.runs.comparisons.transfers import Change, TransferCell, TransferRow, transfer_matrices


def suite_json(comparison: SuiteComparison, filters: Filters | None = None) -> str:
    """`suite, metric, verdicts, entries, comparisons, transfers, curves, rankings, notes`.

    Shares are in 0..1, undefined numbers are null.
    """
    shown = select(comparison, filters or {})
    entry_ids = {id(entry) for entry in shown.results}
    content = {
        "suite": shown.suite,
        "metric": shown.metric,
        "family_size": len(comparison.pairs),
        "verdicts": [
            _verdict(each)
            for each in verdicts(comparison)
            if each.dataset in {entry.run.dataset for entry in shown.results}
        ],
        "entries": [_entry(entry) for entry in shown.results],
        "comparisons": [_pair(pair) for pair in shown.pairs],
        "transfers": [
            _transfer(row, target, cell)
            for matrix in transfer_matrices(comparison)
            for row in matrix.rows
            for target, cell in row.cells.items()
            if row.source and id(cell.entry) in entry_ids
        ],
        "curves": [_curve(curve) for curve in shown.curves],
        "rankings": [asdict(ranking) for ranking in shown.rankings],
        "notes": list(shown.notes),
    }
    return _json(content)


def curves_json(curves: Sequence[LearningCurve], targets: Sequence[float]) -> str:
    """Learning curves, and how many training images (in all) each takes to a target; numbers beyond sight are null."""
    return _json(
        [
            {
                **_curve(curve),
                "targets": [
                    {"target": target, "images": None if curve.law is None else asdict(curve.images_for(target))}
                    for target in targets
                ],
            }
            for curve in curves
        ]
    )


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "dataset": verdict.dataset,
        "metric": verdict.metric,
        "model": verdict.model,
        "shots": verdict.shots,
        "best": verdict.best.group.label,
        "ties": [place.label for place in verdict.ties],
        "quickest_to_train": verdict.cheapest.group.label,
        "ranks": {place.label: place.rank for place in verdict.places},
        "under_baseline": [place.label for place in verdict.places if place.under_baseline],
        "sentences": in_words(verdict),
        "cautions": cautions(verdict),
        "next_steps": next_steps(verdict),
    }


def _entry(entry: GroupResult) -> dict[str, Any]:
    run, estimate = entry.run, entry.estimate
    return {
        "model": run.model,
        "dataset": run.dataset,
        "field": run.field,
        "task": run.task,
        "recipe": run.recipe,
        "label": entry.group.label,
        "shots": run.shots,
        "seeds": [seed_run.seed for seed_run in entry.group.runs],
        "run_ids": [seed_run.run_id for seed_run in entry.group.runs],
        "train_images": entry.group.train_images,
        "metric": entry.metric,
        "mean": estimate.value,
        "sd": entry.spread,
        "by_seed": list(entry.by_seed),
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "reliable": estimate.reliable,
        "chance": entry.chance,
    }


def _pair(pair: GroupComparison) -> dict[str, Any]:
    difference = pair.difference
    return {
        "kind": pair.kind,
        "model": pair.model,
        "dataset": pair.first.run.dataset,
        "other_dataset": pair.other.run.dataset,
        "shots": pair.shots,
        "first": pair.first.group.label,
        "first_shots": pair.first.run.shots,
        "other": pair.other.group.label,
        "other_shots": pair.other.run.shots,
        "metric": pair.first.metric,
        "difference": difference.value,
        "ci_low": difference.low,
        "ci_high": difference.high,
        "p_value": difference.p_value,
        "p_corrected": pair.p_corrected,
        "test": difference.test,
        "reliable": difference.reliable,
        "decided": pair.decided,
        "sentence": pair.sentence,
    }


def _curve(curve: LearningCurve) -> dict[str, Any]:
    """Images are training images in all; `expected` has the metric at multiples of the largest number of them."""
    law, largest = curve.law, curve.entries[-1].group.train_images
    return {
        "model": curve.run.model,
        "dataset": curve.run.dataset,
        "label": curve.label,
        "metric": curve.metric,
        "classes": curve.classes,
        "points": [
            {"images": entry.group.train_images, "value": entry.estimate.value, "seeds": len(entry.by_seed)}
            for entry in curve.entries
        ],
        "law": None if law is None else {"scale": law.scale, "slope": law.slope, "floor": law.floor},
        "expected": []
        if law is None
        else [{"images": times * largest, **asdict(curve.at(times * largest))} for times in TIMES],
        "held_back": None if curve.held_back is None else {**asdict(curve.held_back), "is_met": curve.held_back.is_met},
        "problem": curve.problem,
    }


def _transfer(row: TransferRow, target: str, cell: TransferCell) -> dict[str, Any]:
    """`against_zero_shot` and `gap` (in-domain minus here) are `{value, ci_low, ci_high, decided}`, or null."""
    return {
        "model": cell.entry.run.model,
        "recipe": row.recipe,
        "source": row.source,
        "target": target,
        "shots": row.shots,
        "in_domain": cell.is_in_domain,
        "metric": cell.entry.metric,
        "mean": cell.entry.estimate.value,
        "ci_low": cell.entry.estimate.low,
        "ci_high": cell.entry.estimate.high,
        "against_zero_shot": _change(cell.against),
        "gap": _change(cell.gap),
    }


def _change(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {"value": change.value, "ci_low": change.low, "ci_high": change.high, "decided": change.is_evident}


def _json(content: Any) -> str:
    return json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
