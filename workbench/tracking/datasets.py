"""Datasets that have one name and lie in several places: kept apart, each under a name of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.tracking import schema
from workbench.tracking.places import place_names
from workbench.tracking.results import RunResult

_Question = tuple[str, str, str]
_Content = tuple[_Question, str]


def datasets_apart(runs: Sequence[RunResult]) -> list[RunResult]:
    """Give runs on datasets of the same name names that differ: `siteA/images` and `siteB/images`.

    A place holds one dataset, whatever its content was when runs read it, and equal content in two places is one
    dataset. A run without a record of the place is taken to be on the newest dataset of the name. Unique names stay.

    Args:
        runs: All runs that are shown together, the newest first; names are unique among them.
    """
    by_name: dict[str, list[RunResult]] = defaultdict(list)
    for run in runs:
        by_name[run.dataset].append(run)
    dataset_names = {run.run_id: name for namesakes in by_name.values() for run, name in _names(namesakes)}
    return [
        run if dataset_names[run.run_id] == run.dataset
        else replace(run, dataset=dataset_names[run.run_id], tags={**run.tags, schema.CARD_NAME: run.dataset})
        for run in runs
    ]  # fmt: skip


def is_on(run: RunResult, dataset: str) -> bool:
    """Whether `dataset` means the dataset of a run: its name, its card's, or the end of the path where it lies."""
    place = place_names(run.tags.get(schema.PLACE, ""))
    return dataset in (run.dataset, run.card_name) or f"/{place}".endswith(f"/{dataset.strip('/')}")


def _names(runs: Sequence[RunResult]) -> list[tuple[RunResult, str]]:
    """Runs on datasets of one name, each with the name to show for its dataset."""
    current: dict[tuple[str, _Question], str] = {}
    for run in [*(run for run in runs if run.status == "finished"), *runs]:
        if place := run.tags.get(schema.PLACE, ""):
            current.setdefault((place, _question(run)), _fingerprint(run))
    dataset_of, holders = _joined(current)
    if len(set(dataset_of.values())) < 2:
        return [(run, run.dataset) for run in runs]
    newest = next(iter(dataset_of.values()))
    run_places = []
    for run in runs:
        place = run.tags.get(schema.PLACE, "")
        run_places.append(holders.get((_question(run), _fingerprint(run))) or dataset_of.get(place, newest))
    names = _paths(runs[0].dataset, list(dict.fromkeys(dataset_of.values())))
    return [(run, names[place]) for run, place in zip(runs, run_places, strict=True)]


def _joined(current: Mapping[tuple[str, _Question], str]) -> tuple[dict[str, str], dict[_Content, str]]:
    """The dataset of each place and of each content; a dataset is named by its newest place."""
    dataset_of: dict[str, str] = {}
    holders: dict[_Content, str] = {}
    for (place, question), fingerprint in current.items():
        dataset = dataset_of.setdefault(place, place)
        holder = holders.setdefault((question, fingerprint), dataset)
        if holder != dataset:  # Equal content: the two datasets are one.
            dataset_of = {key: holder if value == dataset else value for key, value in dataset_of.items()}
            holders = {key: holder if value == dataset else value for key, value in holders.items()}
    return dataset_of, holders


def _question(run: RunResult) -> _Question:
    """Runs in another language or for another task have another fingerprint on the same files."""
    return run.tags.get(schema.LANGUAGE, "en"), run.task, run.params.get("reference", "")


def _fingerprint(run: RunResult) -> str:
    return run.tags.get("dataset.fingerprint", "")


def _paths(name: str, places: Sequence[str]) -> dict[str, str]:
    """The shortest ends of paths that differ, with the name where they do not end in it."""
    parts = {place: [part for part in place_names(place).split("/") if part] for place in places}
    longest = max(map(len, parts.values()))
    length = next(
        (n for n in range(2, longest) if len({tuple(path_parts[-n:]) for path_parts in parts.values()}) == len(places)),
        longest,
    )
    ends = {place: "/".join(path_parts[-length:]) for place, path_parts in parts.items()}
    if len(set(ends.values())) < len(ends):  # The names that are recorded do not tell them apart.
        return {place: f"{name} ({place})" for place in places}
    return {place: end if parts[place][-1].lower() == name else f"{name} ({end})" for place, end in ends.items()}
