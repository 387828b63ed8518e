"""The answer on a dataset: the verdict of `workbench compare --suite`, and the recipes that it is about."""

import math

import pandas as pd
import streamlit as st

from dashboards.charts.forest import forest_chart
from dashboards.figure import show_figure
from dashboards.session import Session
from dashboards.text import escaped, with_code
from dashboards.widgets import as_differences, as_p_values, as_values, pick_runs
from workbench.errors import WorkbenchError
from workbench.formatting import format_seconds
from workbench.reports.suite.blocks import TableBlock
from workbench.reports.suite.decisions import decision_blocks
from workbench.reports.suite.grids import shots_text
from workbench.reports.suite.verdict import Place, Verdict, verdict
from workbench.reports.suite.verdict_words import cautions, in_words, next_steps
from workbench.runs.comparisons import GroupResult, SuiteComparison
from workbench.tracking import schema


def show_answer(session: Session, suite: str, dataset: str, metric: str | None) -> Verdict | None:
    """The verdict with its forest plot; words on why there is none where there is none.

    Args:
        session: The rerun.
        suite: Whose comparisons decide.
        dataset: Name.
        metric: None takes the dataset's primary one.
    """
    if not session.snapshot.complete:
        st.info("The verdict is there when all runs have arrived: it takes all comparisons of the suite.")
        return None
    try:
        comparison = session.comparison(suite, metric)
    except WorkbenchError as error:
        st.info(f"No verdict: {escaped(error)}")
        return None
    found = next(filter(None, (verdict(comparison, name) for name in _names_of(comparison, dataset))), None)
    if found is None:
        st.info("No verdict: nothing but the majority class was run on this dataset.")
        return None
    first, *rest = in_words(found)
    with st.container(border=True):
        st.markdown(f"**{escaped(first)}** {escaped(' '.join(rest))}")
        for caution in cautions(found):
            st.warning(escaped(caution))
    steps = next_steps(found)
    if steps:
        st.markdown("\n".join(["**What to do next**", "", *(f"- {with_code(step)}" for step in steps)]))
    st.subheader(f"Compared at {shots_text(found.shots)}, {escaped(found.model)}")
    title = f"{found.metric} on {dataset}, {shots_text(found.shots)}, {found.model}"
    show_figure(forest_chart(found, session.marks), _rows(found), title)
    st.caption(
        "Means over seeds with 95 % intervals over seeds and test items. A rank counts the recipes that are evidently "
        "better. Full marks are tied: no test tells them from the best; hollow ones are worse. The dotted line is "
        "the majority class. A click on a mark opens its newest run."
    )
    _numbers(found)
    st.caption(escaped(comparison.family))
    _field(comparison, found)
    return found


def _names_of(comparison: SuiteComparison, dataset: str) -> list[str]:
    """What a comparison calls a dataset: by its name, and with the language where it was asked in another one."""
    runs = [entry.run for entry in comparison.results]
    others = (run.dataset for run in runs if run.dataset == f"{dataset} ({run.tags.get(schema.LANGUAGE)})")
    return list(dict.fromkeys([dataset, *others]))


def _numbers(found: Verdict) -> None:
    formats = as_values(found.metric, found.metric, "low", "high") | as_differences(found.metric, "against the best")
    entries = [*(place.entry for place in found.places), *([found.baseline] if found.baseline else [])]
    runs = [entry.group.newest for entry in entries]
    formats |= as_p_values("p (Holm)") | {"train seconds": format_seconds}
    pick_runs(_rows(found), formats, runs, key="answer")


def _rows(found: Verdict) -> pd.DataFrame:
    rows = pd.DataFrame([_row(found, place.entry, place) for place in found.places])
    if found.baseline is None:
        return rows
    return pd.concat([rows, pd.DataFrame([_row(found, found.baseline)])], ignore_index=True)


def _row(found: Verdict, entry: GroupResult, place: Place | None = None) -> dict[str, str | float]:
    """A line of the table; the majority class has no place, and no comparison with the best."""
    pair = place and place.against_best
    return {
        "rank": "-" if place is None else str(place.rank),
        "recipe": entry.group.label,
        "note": "" if place is None else _mark(found, place),
        found.metric: entry.estimate.value,
        "low": entry.estimate.low,
        "high": entry.estimate.high,
        "against the best": place.gap if place and pair else math.nan,
        "p (Holm)": pair.p_corrected if pair else math.nan,
        "train seconds": entry.group.mean("train_seconds"),
    }


def _mark(found: Verdict, place: Place) -> str:
    words = []
    if place.against_best is not None and place.is_tied:
        words.append("tied")
    if place.under_baseline and found.baseline is not None:
        words.append(f"below {found.baseline.group.label}")
    return "; ".join(words)


def _field(comparison: SuiteComparison, found: Verdict) -> None:
    """What the field asks: operating points, subgroups, calibration, where the runs hold them."""
    for block in decision_blocks(comparison, found.dataset, found.model):
        if isinstance(block, TableBlock):
            with st.expander(escaped(block.title)):
                names = [name or "metric" for name in block.header]
                texts = [[cell.text for cell in row] for row in block.rows]
                st.dataframe(pd.DataFrame(texts, columns=names), hide_index=True)
