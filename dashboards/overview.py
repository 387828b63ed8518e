"""Leaderboards by dataset, with intervals, and the runs that failed."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from workbench.tracking import RunResult, schema


def show(runs: Sequence[RunResult]) -> None:
    """The page."""
    st.title("Overview")
    chosen = _filtered(runs)
    if not chosen:
        st.info("No run passes these filters.")
        return
    newest = datetime.fromtimestamp(max(run.started for run in chosen) / 1000, UTC)
    st.caption(f"{len(chosen)} runs; the newest began {newest:%Y-%m-%d %H:%M} UTC.")
    finished = [run for run in chosen if run.status == "finished"]
    for dataset in sorted({run.dataset for run in finished}):
        own = [run for run in finished if run.dataset == dataset]
        metric = own[0].tags.get(schema.PRIMARY_METRIC, "accuracy")
        st.subheader(f"{dataset} ({own[0].field})")
        st.caption(f"By {metric}, with 95 % intervals.")
        st.dataframe(leaderboard(own, metric), hide_index=True, width="stretch")
    failed = [run for run in chosen if run.status != "finished"]
    if failed:
        st.subheader("Not finished")
        rows = [
            {
                "dataset": run.dataset,
                "recipe": run.label,
                "status": run.status,
                "reason": run.tags.get(schema.ERROR, ""),
            }
            for run in failed
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def leaderboard(runs: Sequence[RunResult], metric: str) -> pd.DataFrame:
    """Runs by a metric, best first, with interval, time and size."""
    rows = [
        {
            "recipe": run.label,
            "model": run.model,
            "shots": run.shots,
            "seed": run.seed,
            metric: run.metrics.get(metric),
            "low": run.metrics.get(f"{metric}_ci_low"),
            "high": run.metrics.get(f"{metric}_ci_high"),
            "train seconds": run.metrics.get("train_seconds"),
            "trainable parameters": run.metrics.get("trainable_parameters"),
            "run": run.run_id[:8],
        }
        for run in runs
    ]
    return pd.DataFrame(rows).sort_values(metric, ascending=metric in {"nll", "brier", "ece"}, ignore_index=True)


def _filtered(runs: Sequence[RunResult]) -> list[RunResult]:
    """Filters in the side bar, kept in the link."""
    chosen = list(runs)
    for name in ("suite", "field", "dataset", "model", "label", "shots", "status"):
        values = sorted({str(getattr(run, name)) for run in runs})
        before = [value for value in st.query_params.get_all(name) if value in values]
        picked = st.sidebar.multiselect("recipe" if name == "label" else name, values, default=before)
        st.query_params[name] = picked
        if picked:
            chosen = [run for run in chosen if str(getattr(run, name)) in picked]
    return chosen
