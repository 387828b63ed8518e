"""Results as sections of a table: one for each dataset, rows in order, cells with what is to be said about them."""

import math
import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.metrics.estimate import is_reliable
from workbench.metrics.formatting import format_interval, format_value
from workbench.metrics.names import primary_metric
from workbench.metrics.registry import higher_is_better
from workbench.tracking import RunResult, labels_apart, schema
from workbench.tracking.states import State, dataset_state, state

BASELINE = "majority-class"
_SHOWN_BESIDE_PRIMARY = (
    "seen_accuracy",
    "unseen_accuracy",
    "text_score",
    "image_score",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "auroc",
    "ece",
    "text_to_image_recall_at_1",
    "image_to_text_recall_at_1",
    "text_to_image_map",
    "image_to_text_map",
    "bleu_4",
    "rouge_l",
    "clip_score",
    "prompt_accuracy",
    "cmmd",
)


@dataclass(frozen=True)
class Cell:
    """A metric of a run, or of several seeds.

    Attributes:
        value: NaN where the run has no such metric.
        low: Lower end of the interval, or NaN.
        high: Upper end, or NaN.
        spread: Standard deviation over seeds, or NaN.
        reliable: Whether the interval is.
        best: Whether no finished run does better that has the same shots or learns from no image.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    spread: float = math.nan
    reliable: bool = True
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A run, or several seeds of one.

    Attributes:
        model: Model argument.
        recipe: The recipe's label, the baseline marked as such.
        shots: Shots as recorded.
        seeds: The seed, or how many there are (`3 seeds`).
        status: As recorded.
        reason: Why it failed, in one line.
        cells: By metric.
        trains: Whether it learns from images; the baseline, which counts labels, does not.
    """

    model: str
    recipe: str
    shots: str
    seeds: str
    status: str
    reason: str
    cells: dict[str, Cell]
    trains: bool = True

    @property
    def block(self) -> str:
        """What it can be compared in: its shots, `0` for all that learns from no image."""
        return self.shots if self.trains else "0"


@dataclass(frozen=True)
class Section:
    """The runs on one state of a dataset: those with the most shots first, the best first at each, unfinished last.

    Runs with the same shots and seed were given the same training images. What learns from no image stands beside all.

    Attributes:
        dataset: Name, with the language where it is not English.
        state: Beginning of its fingerprint where results on several states are shown, else empty.
        field: Its field.
        primary: The metric that orders the rows.
        metrics: Columns.
        rows: Runs.
    """

    dataset: str
    state: str
    field: str
    primary: str
    metrics: tuple[str, ...]
    rows: list[Row]


def build(
    results: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None = None, *, aggregate: bool = False
) -> list[Section]:
    """Group, sort and mark results; runs on different states of a dataset are in different sections.

    Args:
        results: Objects as `workbench results --json` prints them, newest first.
        metrics: Columns; the primary metric and a few others if None.
        aggregate: Show runs that differ in nothing but the seed as one row of mean and standard deviation.
    """
    results = _labelled(results, by_seed=not aggregate)
    by_state: dict[str, dict[State, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        by_state[_dataset(result)][dataset_state(result["tags"])].append(result)
    return [
        _section(name, _state_name(own, by_state[name]), runs, metrics, aggregate)
        for name in sorted(by_state)
        for own, runs in by_state[name].items()
    ]


def _labelled(results: Sequence[Mapping[str, Any]], *, by_seed: bool) -> list[Mapping[str, Any]]:
    """The same with labels that name the settings in which they differ."""
    runs = labels_apart([RunResult(**result) for result in results], by_seed=by_seed)
    return [{**result, "tags": run.tags} for result, run in zip(results, runs, strict=True)]


def _dataset(result: Mapping[str, Any]) -> str:
    """Runs whose class names and captions are in different languages answer different questions."""
    language = str(result["tags"].get(schema.LANGUAGE, "en"))
    return str(result["dataset"]) + ("" if language == "en" else f" ({language})")


def _state_name(own: State, known: Collection[State]) -> str:
    """What tells a state from the others; nothing where there is only one."""
    fingerprint, protocol = own
    words = [fingerprint[:8] or "unknown"] if len(known) > 1 else []
    words += [f"protocol {protocol or 'unknown'}"] if len({other[1] for other in known}) > 1 else []
    return ", ".join(words)


def _section(
    dataset: str, state_name: str, results: list[Mapping[str, Any]], metrics: Sequence[str] | None, aggregate: bool
) -> Section:
    primary = _primary(results, metrics)
    present = {name for result in results for name in result["metrics"]}
    others = metrics if metrics is not None else [name for name in _SHOWN_BESIDE_PRIMARY if name in present][:4]
    columns = tuple(dict.fromkeys([primary, *others]) if metrics is None else metrics)
    rows = [_row(runs, columns) for runs in _bundles(results, aggregate)]
    rows.sort(key=lambda row: _place(row, primary))
    return Section(dataset, state_name, str(results[0].get("field", "")), primary, columns, _with_best(rows, columns))


def _primary(results: list[Mapping[str, Any]], metrics: Sequence[str] | None) -> str:
    named = [result["tags"][schema.PRIMARY_METRIC] for result in results if schema.PRIMARY_METRIC in result["tags"]]
    if named and (metrics is None or named[0] in metrics):
        return str(named[0])
    return metrics[0] if metrics else primary_metric(str(results[0]["task"]))


def _bundles(results: list[Mapping[str, Any]], aggregate: bool) -> list[list[Mapping[str, Any]]]:
    if not aggregate:
        return [[result] for result in results]
    bundles: dict[tuple[Any, ...], dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for result in results:
        own = tuple(sorted((key, str(value)) for key, value in result["params"].items()))
        identity = tuple(str(result[key]) for key in ("suite", "model", "recipe", "shots", "status"))
        # One run a seed, the newest: a run that was made twice is no second seed.
        bundles[(*identity, _label(result), own, state(result["tags"]))].setdefault(int(result["seed"]), result)
    return [list(bundle.values()) for bundle in bundles.values()]


def _row(runs: list[Mapping[str, Any]], metrics: Sequence[str]) -> Row:
    first = runs[0]
    error = str(first["tags"].get(schema.ERROR, "")).strip()
    return Row(
        model=str(first["model"]),
        recipe=_label(first) + (" (baseline)" if first["recipe"] == BASELINE else ""),
        shots=str(first["shots"]),
        seeds=str(first["seed"]) if len(runs) == 1 else f"{len(runs)} seeds",
        status=str(first["status"]),
        reason=error.splitlines()[0] if error else "",
        cells={metric: _cell([run["metrics"] for run in runs], metric) for metric in metrics},
        trains=str(first["shots"]) != "0" and first["recipe"] != BASELINE,
    )


def _label(result: Mapping[str, Any]) -> str:
    return str(result["tags"].get(schema.LABEL) or result["recipe"])


def _cell(runs: list[Mapping[str, float]], metric: str) -> Cell:
    values = [_number(run.get(metric)) for run in runs]
    values = [value for value in values if not math.isnan(value)]
    if not values:
        return Cell()
    if len(runs) > 1:
        return Cell(statistics.fmean(values), spread=statistics.stdev(values) if len(values) > 1 else math.nan)
    low, high = (_number(runs[0].get(f"{metric}_ci_{end}")) for end in ("low", "high"))
    return Cell(values[0], low, high, reliable=math.isnan(low) or is_reliable(runs[0]))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _place(row: Row, primary: str) -> tuple[bool, float, float, str, str]:
    value = row.cells[primary].value
    if math.isnan(value):
        return (True, 0.0, 0.0, row.recipe, row.model)
    shots = float(row.block) if row.block.isdigit() else math.inf
    return (False, -shots, -value if higher_is_better(primary) else value, row.recipe, row.model)


def _with_best(rows: list[Row], metrics: Sequence[str]) -> list[Row]:
    finished = [row for row in rows if row.status == "finished"]
    for metric in metrics:
        for block in {row.block for row in finished}:
            # What learns from no image stands beside all, so it is best where nothing at any shots is better.
            beside = [row.cells[metric].value for row in finished if block == "0" or row.block in {block, "0"}]
            values = [value for value in beside if not math.isnan(value)]
            if len(values) < 2:
                continue
            best = max(values) if higher_is_better(metric) else min(values)
            for row in finished:
                cell = row.cells[metric]
                if row.block == block and cell.value == best:
                    row.cells[metric] = replace(cell, best=True)
    return rows


def numbers(metric: str, cell: Cell) -> str:
    """A cell as text without marks: `69.3 [66.1, 72.5]` or `69.3 ± 1.2`; `-` where there is nothing."""
    text = format_value(metric, cell.value)
    if not math.isnan(cell.spread):
        return f"{text} ± {format_value(metric, cell.spread)}"
    return f"{text} {format_interval(metric, cell.low, cell.high)}".rstrip()
