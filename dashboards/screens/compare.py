"""Recipes over all their seeds, as `workbench compare --suite` compares them; single runs are the exception."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards.address import choose, choose_some
from dashboards.session import Session
from dashboards.side_by_side import show_side_by_side
from dashboards.text import escaped, runs_caption
from dashboards.views.groups import groups_of, matched_runs, never_met, pair_columns, pair_names, pairs_shown
from dashboards.views.standings import metrics_of
from dashboards.widgets import as_differences, as_p_values, choose_dataset, run_id, run_title, table
from workbench.errors import WorkbenchError
from workbench.formatting import counted
from workbench.metrics import PairedDifference
from workbench.reports.suite.grids import comparison_sentences, recipe_pairs, shots_text
from workbench.runs.comparisons import GroupComparison, SuiteComparison, is_comparable, seed_counts
from workbench.runs.comparisons.runs import compare_runs, seed_note
from workbench.runs.planning import NO_MODEL
from workbench.tracking import RunResult

_SINGLE = "runs"
_BY = {"recipes": "recipes, all seeds together", _SINGLE: "single runs"}
_PRIMARY = "primary metric"
_OF_SUITE = ("group", "detail", "seed")
"""What the address says of one suite alone."""


def show(session: Session) -> None:
    """The page."""
    st.title("Compare")
    if len(session.finished) < 2:
        st.info("A comparison needs two finished runs.")
        return
    by = choose("compare", list(_BY), key="by", show=_BY.__getitem__)
    if by == _SINGLE:
        _single_runs(session)
    elif session.snapshot.complete:
        _groups(session)
    else:
        st.info("p-values are corrected over all comparisons of a suite; they are there when all runs have arrived.")


def _groups(session: Session) -> None:
    runs = [run for run in session.finished if is_comparable(run)]
    if not runs:
        st.info("These runs have no test items in common, so they cannot be compared.")
        return
    suite_of, metric_of, dataset_of = st.columns(3)
    there = [run for run in runs if run.dataset == st.query_params.get("dataset")] or runs
    suites = list(dict.fromkeys(run.suite for run in runs))
    suite = choose("suite", suites, key="suite", default=there[0].suite, drops=_OF_SUITE, place=suite_of)
    names = metrics_of([run for run in runs if run.suite == suite])
    metric = choose("metric", [_PRIMARY, *names], key="metric", place=metric_of)
    try:
        comparison = session.comparison(suite, None if metric == _PRIMARY else metric)
    except WorkbenchError as error:
        st.warning(f"This suite cannot be compared: {escaped(error)}")
        return
    dataset, _ = choose_dataset(_newest_first(comparison), place=dataset_of)
    groups = groups_of(comparison, dataset)
    picked = choose_some("recipes", list(groups), key="group", ident=lambda name: groups[name].run.run_id)
    pairs = pairs_shown(comparison, dataset, picked)
    seen = {run.run_id: run for pair in pairs for side in (pair.first, pair.other) for run in side.group.runs}
    if pairs:
        st.caption(runs_caption(list(seen.values())))
        _differences(comparison, pairs)
    for a, b in never_met(pairs, picked):
        st.info(
            f"{escaped(a)} and {escaped(b)} are not compared: a suite compares recipes at the same model and shots, "
            "and each recipe's most shots with its fewest."
        )
    if not pairs and len(picked) < 2:
        st.info("There is nothing to compare with on this dataset.")
    for note in comparison.notes:
        st.caption(escaped(note))
    if pairs:
        _in_detail(session, pairs)


def _differences(comparison: SuiteComparison, pairs: Sequence[GroupComparison]) -> None:
    st.header("Paired differences")
    names = pair_columns(pairs)
    if "model" not in names and pairs[0].model != NO_MODEL:
        st.caption(f"All with {escaped(pairs[0].model)}.")
    seeds = [" and ".join(str(len(side.group.runs)) for side in (pair.first, pair.other)) for pair in pairs]
    differences = [pair.difference for pair in pairs]
    _table(pairs[0].first.metric, names, differences, [pair.p_corrected for pair in pairs], {"seeds": seeds})
    st.caption(escaped(comparison.family))
    for (_, model, shots), shots_pairs in recipe_pairs(pairs).items():
        _sentences(f"{model}, {shots_text(shots)}", comparison_sentences(shots_pairs))
    _sentences("More shots", [pair.sentence for pair in pairs if pair.kind == "shots"])
    _sentences("The same images under other names", [pair.sentence for pair in pairs if pair.kind == "names"])


def _sentences(title: str, lines: Sequence[str]) -> None:
    if lines:
        st.markdown("\n".join([f"**{escaped(title)}**", "", *(f"- {escaped(line)}" for line in lines)]))


def _table(
    metric: str,
    names: dict[str, list[str]],
    differences: Sequence[PairedDifference],
    p_values: Sequence[float],
    more: dict[str, list[str]] | None = None,
) -> None:
    column = f"difference in {metric}"
    rows = pd.DataFrame(
        {
            **names,
            column: [difference.value for difference in differences],
            # Before the interval: a table of long names has no room for all columns.
            "p (Holm)": p_values,
            "low": [difference.low for difference in differences],
            "high": [difference.high for difference in differences],
            **(more or {}),
            "test": [difference.test for difference in differences],
        }
    )
    table(rows, as_differences(metric, column, "low", "high") | as_p_values("p (Holm)"))


def _in_detail(session: Session, pairs: Sequence[GroupComparison]) -> None:
    named = {" against ".join(pair_names(pair)): pair for pair in pairs}
    chosen = pairs[0]
    if len(named) > 1:
        drops = ("seed",)
        chosen = named[choose("in detail", list(named), key="detail", ident=lambda name: _id(named[name]), drops=drops)]
    matched = matched_runs(chosen)
    if not matched:
        st.info("The two have no seed in common, so there are no two runs to look at side by side.")
        return
    seed = choose("seed", list(matched), key="seed") if len(matched) > 1 else next(iter(matched))
    sides = chosen.first.group.runs, chosen.other.group.runs
    show_side_by_side(session, *matched[seed], sides, {run.run_id: len(side) for side in sides for run in side})


def _id(pair: GroupComparison) -> str:
    """What an address calls a comparison."""
    return f"{pair.first.run.run_id}-{pair.other.run.run_id}"


def _newest_first(comparison: SuiteComparison) -> list[RunResult]:
    runs = [run for entry in comparison.results for run in entry.group.runs]
    return sorted(runs, key=lambda run: run.recency, reverse=True)


def _single_runs(session: Session) -> None:
    _, dataset_runs = choose_dataset(session.finished)
    picked = choose_some("runs", dataset_runs, key="run", ident=run_id, show=run_title)
    if len(picked) < 2:
        st.info("Pick two or more runs; the first is compared with each of the others.")
        return
    first, *others = picked
    st.caption(runs_caption([first, *others]))
    seeds: dict[str, int] = {}
    for suite in {run.suite for run in (first, *others)}:
        seeds |= seed_counts([run for run in session.runs if run.suite == suite])
    try:
        comparisons = compare_runs(session.open_run(first), [session.open_run(run) for run in others], seeds=seeds)
    except WorkbenchError as error:
        st.warning(f"These runs cannot be compared: {escaped(error)}")
        return
    st.header("Paired differences")
    against = [run_title(run) + seed_note(run, seeds) for run in others]
    _table(
        comparisons[0].metric,
        {"against": against},
        [comparison.difference for comparison in comparisons],
        [comparison.p_corrected for comparison in comparisons],
    )
    st.caption(f"p-values are Holm-corrected over the {counted(len(comparisons), 'comparison')} of this table.")
    for comparison in comparisons:
        st.markdown(escaped(comparison.sentence))
    for mark in dict.fromkeys(mark for comparison in comparisons for mark in comparison.marks):
        st.warning(escaped(mark))
    other = others[0]
    if len(others) > 1:
        other = choose("in detail against", others, key="against", ident=run_id, show=run_title)
    show_side_by_side(session, first, other, ([first], [other]), seeds)
