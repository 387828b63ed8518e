"""A chart on a page, and as a figure for a paper: SVG and PDF with a title, and its data as CSV."""

import re
from functools import partial
from io import BytesIO, StringIO
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

_WIDTH = 560
"""Pixels, of figures; about the width of a page's text."""
_KINDS: tuple[tuple[Literal["svg", "pdf"], str], ...] = (("svg", "image/svg+xml"), ("pdf", "application/pdf"))


def show_figure(chart: alt.TopLevelMixin, rows: pd.DataFrame, title: str, *, key: str = "") -> None:
    """The chart, with downloads below it.

    Args:
        chart: The chart, without a title of its own.
        rows: The numbers that it shows.
        title: What it shows, for figures and for those who cannot see it.
        key: Tells charts of one title apart.
    """
    st.altair_chart(chart, width="stretch", alt=title)
    offer_figure(chart, rows, title, key=key)


def offer_figure(chart: alt.TopLevelMixin, rows: pd.DataFrame, title: str, *, key: str = "") -> None:
    """The downloads alone, of a chart that stands above; see `show_figure`."""
    name = file_name(title)
    ways = st.container(horizontal=True, gap="small")
    for kind, mime in _KINDS:
        # Drawn when clicked.
        ways.download_button(
            kind.upper(), data=partial(figure_bytes, chart, title, kind), file_name=f"{name}.{kind}", mime=mime,
            on_click="ignore", type="tertiary", key=f"{kind} {title} {key}", help="this figure, with its title",
        )  # fmt: skip
    ways.download_button(
        "CSV", data=partial(_csv, rows), file_name=f"{name}.csv", mime="text/csv", on_click="ignore", type="tertiary",
        key=f"csv {title} {key}", help="the numbers of this figure",
    )  # fmt: skip


def figure_bytes(chart: alt.TopLevelMixin, title: str, kind: Literal["svg", "pdf"]) -> bytes:
    """The chart on white, with its title, drawn as the browser draws it; the texts of an SVG stay texts.

    Args:
        chart: The chart.
        title: Its title, in plain text.
        kind: The format.
    """
    options: dict[str, Any] = {"title": alt.TitleParams(title, anchor="start")}
    figure = chart.copy(deep=True).properties(**options)
    spec = _without_links(figure.to_dict())
    if "width" not in spec and "concat" not in spec:
        spec["width"] = _WIDTH
    drawn = type(chart).from_dict(spec, validate=False)
    if kind == "pdf":
        page = BytesIO()
        drawn.save(page, format="pdf")
        return page.getvalue()
    text = StringIO()
    drawn.save(text, format="svg")
    return text.getvalue().encode()


def file_name(title: str) -> str:
    """Letters and numbers of a title, with hyphens between them."""
    return re.sub(r"[^\w]+", "-", title.lower()).strip("-")[:80] or "figure"


def _csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False).encode()


def _without_links(node: Any) -> Any:
    """A specification without links into the dashboard, which lead nowhere on paper."""
    if isinstance(node, list):
        return [_without_links(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {channel: value for channel, value in inner.items() if channel != "href"}
        if name == "encoding" and isinstance(inner, dict)
        else inner
        if name in {"values", "datasets"}
        else _without_links(inner)
        for name, inner in node.items()
    }
