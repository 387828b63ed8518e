"""What recipes bring elsewhere than where they were fitted: sources by targets, against zero-shot and in-domain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.datasets.transfer import ALL_DOMAINS, OTHER_DOMAINS
from workbench.metrics.unpaired import unpaired_difference
from workbench.runs.comparisons.groups import shots_order
from workbench.runs.comparisons.results import GroupComparison, GroupResult, SuiteComparison
from workbench.tracking import RunResult, schema

ZERO_SHOT = "zero-shot"


@dataclass(frozen=True)
class Change:
    """A difference with its 95 % interval.

    Attributes:
        value: The difference.
        low: Lower end.
        high: Upper end.
        is_evident: Whether there is one: by the corrected test and the interval where the items are the same, by the
            interval alone where they are not.
    """

    value: float
    low: float
    high: float
    is_evident: bool


@dataclass(frozen=True)
class TransferCell:
    """A result on a target.

    Attributes:
        entry: The result.
        is_in_domain: Whether it was fitted where it is tested, or, of domains, on all of them.
        against: It minus zero-shot on the same items; None for zero-shot itself, or without it.
        gap: The same recipe in-domain minus it; None in-domain, where there is no such run, and where it is measured on
            classes that no image was shown of, which may be easier or harder than others.
    """

    entry: GroupResult
    is_in_domain: bool
    against: Change | None = None
    gap: Change | None = None


@dataclass(frozen=True)
class TransferRow:
    """A recipe fitted in one place.

    Attributes:
        recipe: Its label, without its source.
        source: The dataset that it was fitted on, `other domains` or `all domains`; empty where it does not train.
        shots: As recorded.
        cells: By target.
    """

    recipe: str
    source: str
    shots: str
    cells: Mapping[str, TransferCell]


@dataclass(frozen=True)
class TransferMatrix:
    """Sources by targets with one model.

    Attributes:
        model: Model argument.
        targets: Datasets, sources first.
        rows: Recipes that do not train first.
    """

    model: str
    targets: tuple[str, ...]
    rows: tuple[TransferRow, ...]


def recipe_of(run: RunResult) -> str:
    """A run's label without the source of a transfer."""
    return run.label.replace(f" from {run.trained_on}", "", 1) if run.trained_on else run.label


def in_domain_of(run: RunResult, others: Iterable[RunResult]) -> list[RunResult]:
    """The runs that were fitted where their test images are from, and that a transfer's gap is measured against.

    Of a transfer between datasets these are on the source, with what it was fitted on; of a domain that was left out
    on the same images, fitted on all domains.
    """
    if not run.trained_on:
        return []
    if run.trained_on == OTHER_DOMAINS:
        return [other for other in others if not other.trained_on and other.dataset == run.dataset]
    fingerprint = run.tags.get(schema.SOURCE_FINGERPRINT)
    return [
        other for other in others if not other.trained_on and other.tags.get("dataset.fingerprint") == fingerprint
    ]  # fmt: skip


def groups_of_transfers(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Datasets that transfers connect, sources first: those of one matrix together.

    Args:
        runs: All that are shown together.
    """
    connected: dict[str, set[str]] = {}
    order: dict[str, None] = {}
    for run in runs:
        if not run.trained_on:
            continue
        there = [other.dataset for other in in_domain_of(run, runs)]
        order |= dict.fromkeys([*there, run.dataset])
        # The name of the source joins those, too, that have no run in-domain.
        nodes = {*there, run.dataset, f"from {run.trained_on}"}
        whole = set().union(nodes, *(connected[node] for node in nodes if node in connected))
        connected |= dict.fromkeys(whole, whole)
    seen: dict[int, tuple[str, ...]] = {}
    for dataset in order:
        whole = connected[dataset]
        seen.setdefault(id(whole), tuple(name for name in order if name in whole))
    return list(seen.values())


def transfer_matrices(comparison: SuiteComparison) -> list[TransferMatrix]:
    """A matrix for each model and each set of datasets that transfers connect; none without transfers.

    Args:
        comparison: All of a suite: its pairs have the differences and their corrected p-values.
    """
    matrices = []
    pairs = {frozenset((id(pair.first), id(pair.other))): pair for pair in comparison.pairs}
    moved = [entry for entry in comparison.results if entry.run.trained_on]
    for model in dict.fromkeys(entry.run.model for entry in moved):
        entries = [entry for entry in comparison.results if entry.run.model == model]
        for targets in groups_of_transfers([entry.run for entry in entries]):
            here = [entry for entry in entries if entry.run.dataset in targets]
            if any(entry.run.trained_on for entry in here):
                matrices.append(TransferMatrix(model, targets, tuple(_rows(here, pairs))))
    return matrices


def _rows(
    entries: Sequence[GroupResult], pairs: Mapping[frozenset[int], GroupComparison]
) -> list[TransferRow]:  # fmt: skip
    by_run = {id(entry.run): entry for entry in entries}
    runs = [entry.run for entry in entries]
    reference = {dataset: by_run[id(run)] for dataset, run in zero_shot_runs(runs).items()}
    sources = in_domain_sources(runs)
    cells: dict[tuple[str, str, str], dict[str, TransferCell]] = {}
    for entry in entries:
        run, recipe = entry.run, recipe_of(entry.run)
        source = source_of(run, sources)
        home = [
            by_run[id(other)]
            for other in in_domain_of(run, runs)
            if (other.label, other.shots) == (recipe, run.shots) and not run.scores_by_text
        ]
        zero = reference.get(run.dataset)
        cells.setdefault((recipe, source, run.shots), {})[run.dataset] = TransferCell(
            entry,
            is_in_domain=not run.trained_on,
            against=_paired(pairs, entry, zero) if zero is not None else None,
            gap=(_paired(pairs, home[0], entry) or _unpaired(home[0], entry)) if home else None,
        )
    order = sorted(cells, key=lambda key: (key[2] != "0", key[0], shots_order(key[2]), key[1]))
    return [TransferRow(*key, cells[key]) for key in order]


def zero_shot_runs(runs: Iterable[RunResult]) -> dict[str, RunResult]:
    """Zero-shot on each dataset; of several with other settings the one that has them by default."""
    found: dict[str, RunResult] = {}
    for run in sorted(runs, key=lambda run: (run.label != ZERO_SHOT, run.label)):
        if run.recipe == ZERO_SHOT:
            found.setdefault(run.dataset, run)
    return found


def source_of(run: RunResult, sources: Mapping[str, str]) -> str:
    """What a matrix says that a run was fitted on: a dataset or domains; empty where nothing was.

    Args:
        run: The run.
        sources: See `in_domain_sources`.
    """
    return run.trained_on or ("" if run.shots == "0" else sources.get(run.dataset, run.dataset))


def in_domain_sources(runs: Sequence[RunResult]) -> dict[str, str]:
    """How a matrix calls what in-domain runs are fitted on, by their dataset."""
    names: dict[str, str] = {}
    for run in runs:
        if run.trained_on:
            for other in in_domain_of(run, runs):
                names[other.dataset] = ALL_DOMAINS if run.trained_on == OTHER_DOMAINS else run.trained_on
    return names


def _paired(
    pairs: Mapping[frozenset[int], GroupComparison], entry: GroupResult, other: GroupResult
) -> Change | None:  # fmt: skip
    """An entry minus another on the same items, as the comparison has it."""
    pair = pairs.get(frozenset((id(entry), id(other))))
    if pair is None or entry is other:
        return None
    found = pair.difference
    if pair.first is entry:
        return Change(found.value, found.low, found.high, pair.decided)
    return Change(-found.value, -found.high, -found.low, pair.decided)


def _unpaired(entry: GroupResult, other: GroupResult) -> Change | None:
    if entry.metric != other.metric:
        return None
    found = unpaired_difference(entry.estimate, other.estimate)
    return Change(found.value, found.low, found.high, not found.low <= 0 <= found.high)
