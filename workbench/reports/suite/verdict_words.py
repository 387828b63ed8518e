"""A verdict in sentences, the same on the terminal, in reports and on the dashboard."""

import math
import statistics
from collections.abc import Sequence

from workbench.formatting import counted, format_p, format_seconds
from workbench.metrics import higher_is_better
from workbench.metrics.formatting import format_difference, format_value
from workbench.reports.suite.grids import shots_text
from workbench.reports.suite.verdict import Verdict, train_seconds
from workbench.reports.suite.worst_parts import worst_domain, worst_subgroups
from workbench.runs.comparisons import GroupComparison, GroupResult
from workbench.runs.comparisons.transfers import ZERO_SHOT
from workbench.runs.planning import NO_MODEL
from workbench.tasks import installed


def in_words(verdict: Verdict) -> list[str]:
    """The answer: the best, against zero-shot, its ties and the quickest of these, on how many images and seeds."""
    best = verdict.best
    said = [f"{_value(verdict, best)}{_against_zero_shot(verdict)}."]
    ties = [place.label for place in verdict.ties]
    if ties:
        said.append(f"{_listed(ties)} cannot be told apart from it.")
        said += _cheapest(verdict)
    elif len(verdict.places) > 1:
        said.append(f"It is better than every other recipe at {shots_text(verdict.shots)}.")
    task = installed(best.run.task)
    items = "test image" if task is not None and task.names_classes else "test item"
    groups = best.estimate.n_groups
    sizes = [counted(best.estimate.n, items), *([counted(groups, "group")] if groups is not None else [])]
    said.append(", ".join([*sizes, counted(len(best.group.runs), "seed")]) + ".")
    said += _baseline(verdict)
    said += [*worst_domain(best, verdict.metric), *worst_subgroups(best, verdict.metric)]
    said += [f"With {other.run.model}: {_value(verdict, other)}; models are not compared." for other in verdict.others]
    return said


def cautions(verdict: Verdict) -> list[str]:
    """What a reader must know before believing it: the model is no CLIP, few groups, recipes that see test images."""
    runs = [run for place in verdict.places for run in place.entry.group.runs]
    notices = dict.fromkeys(
        f"{run.model} is {run.tags['model.notice']}: its numbers say nothing of CLIP on these data."
        for run in runs if run.tags.get("model.notice")
    )  # fmt: skip
    said = list(notices)
    if not verdict.best.estimate.reliable:
        said.append("The intervals rest on effectively fewer than 20 groups or items and are unreliable.")
    see_others = [place.label for place in verdict.places if place.entry.run.inference != "inductive"]
    if see_others:
        said.append(f"{_listed(see_others)}: sees other test images, without labels, which the rest do not.")
    return said


def next_steps(verdict: Verdict) -> list[str]:
    """What to do next, from what the suite shows and what it lacks."""
    steps = [*_more_labels(verdict), *_hidden(verdict)]
    best = verdict.best
    if verdict.model != NO_MODEL and not verdict.others:
        field = best.run.field
        steps.append(
            f"Only {verdict.model} was tried: `workbench list models --field {field}` names models of the field."
        )
    if len(best.group.runs) == 1 and not best.group.is_everywhere:
        steps.append(
            "There is one seed: `--seed 0 --seed 1 --seed 2` shows how much the choice of training images decides."
        )
    if best.estimate.n_groups is None and _has_images_of_one_label(best):
        steps.append(
            "The card names no groups. Where several images show one patient, plant or scene, name that column as "
            "`group`; without it the intervals are too narrow."
        )
    if verdict.baseline is None and _has_images_of_one_label(best):
        steps.append("The majority class was not run: `--recipe majority-class` shows what a blind guess reaches.")
    if verdict.against_zero_shot is None and best.run.recipe != ZERO_SHOT and verdict.model != NO_MODEL:
        steps.append("Zero-shot was not run: `--recipe zero-shot` shows what adapting brings.")
    return steps


def _value(verdict: Verdict, entry: GroupResult) -> str:
    shots = "without training images" if entry.group.is_everywhere else f"at {shots_text(entry.run.shots)}"
    return (
        f"{entry.group.label}: {format_value(verdict.metric, entry.estimate.value, unit=True)} {verdict.metric} {shots}"
    )


def _against_zero_shot(verdict: Verdict) -> str:
    pair = verdict.against_zero_shot
    if pair is None:
        return ""
    size = f"{format_difference(verdict.metric, pair.difference.value)} against zero-shot"
    test = f"{format_p(pair.p_corrected)} after Holm correction"
    return f", {size} ({test})" if pair.decided else f", {size}, which is no evidence of a difference ({test})"


def _cheapest(verdict: Verdict) -> list[str]:
    cheapest = verdict.cheapest
    if math.isinf(train_seconds(cheapest)):
        return []
    seconds = format_seconds(train_seconds(cheapest))
    return [f"Quickest to train of these: {cheapest.group.label} ({seconds})."]


def _baseline(verdict: Verdict) -> list[str]:
    if verdict.baseline is None:
        return []
    said = []
    name = verdict.baseline.group.label
    value = format_value(verdict.metric, verdict.baseline.estimate.value, unit=True)
    pair = verdict.against_baseline
    if pair is not None and not pair.decided:
        said.append(f"There is no evidence that {verdict.best.group.label} is better than {name} ({value}).")
    under = [place.label for place in verdict.places if place.under_baseline]
    if under:
        said.append(f"Below {name} ({value}): {_listed(under)}.")
    return said


def _more_labels(verdict: Verdict) -> list[str]:
    pair = verdict.growth
    if pair is None:
        if len(verdict.levels) > 1 or verdict.shots == "all" or verdict.best.group.is_everywhere:
            return []
        return [f"Only {shots_text(verdict.shots)} were tried: another `--shots` shows whether more labels help."]
    gain = format_difference(verdict.metric, pair.difference.value)
    span = f"{pair.first.group.label}, {pair.other.run.shots} to {shots_text(pair.first.run.shots)}: {gain}"
    test = format_p(pair.p_corrected)
    if not pair.decided:
        return [f"More labels are not shown to help ({span}, {test}); another model or recipe may do more."]
    if (pair.difference.value > 0) != higher_is_better(verdict.metric):
        return [f"More labels made it worse ({span}, {test}): look at how it was trained."]
    return [f"More labels helped so far ({span}, {test}); still more may."]


def _hidden(verdict: Verdict) -> list[str]:
    """How large a difference must be to be seen, where some are not."""
    pairs = [place.against_best for place in verdict.ties if place.against_best is not None]
    if not pairs:
        return []
    half = statistics.median(map(_half_width, pairs))
    points = format_difference(verdict.metric, half).removeprefix("+")
    return [
        f"To tell the ties apart takes more test images or seeds: here differences under about {points} stay hidden."
    ]


def _half_width(pair: GroupComparison) -> float:
    return (pair.difference.high - pair.difference.low) / 2


def _has_images_of_one_label(entry: GroupResult) -> bool:
    task = installed(entry.run.task)
    return task is not None and task.names_classes


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
