"""Figures for papers hold the title, the names as text, and the colours of the page."""

import html
import re

import altair as alt
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboards.charts.axes import recipe_colour, records
from dashboards.charts.part_shares import part_chart
from dashboards.figure import figure_bytes, file_name
from dashboards.views.examples import PartShare
from workbench.reports.colours import BASELINE, apart, marks

EVIL = "<img src=x onerror=alert(1)> $\\alpha$ *b* &amp; \\input{x}"


def words(svg):
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg.decode())]


def test_titles_and_names_are_text_in_the_svg():
    chart = part_chart([PartShare(EVIL[:20], 20, 0.25, 0.1, 0.5, True, 0.2)], "category")
    svg = figure_bytes(chart, EVIL, "svg")
    assert EVIL in words(svg)
    assert EVIL[:20] in words(svg)
    assert b"<img" not in svg
    assert "25%" not in words(svg)


def test_a_pdf_is_one_and_the_chart_stays_as_it_was():
    chart = part_chart([PartShare("a", 20, 0.25, 0.1, 0.5, True, None)], "category")
    before = chart.to_dict()
    assert figure_bytes(chart, "title", "pdf").startswith(b"%PDF-")
    assert chart.to_dict() == before


def test_links_into_the_dashboard_are_left_out():
    data = records([{"x": 1, "url": "run?run=abc", "href": "kept"}])
    points = alt.Chart(data).mark_point().encode(x="x:Q", href="url:N", tooltip="href:N")
    for chart in (points, points + points):
        svg = figure_bytes(chart, "t", "svg").decode()
        assert "<a " not in svg
        assert "run?run=abc" not in svg


@pytest.mark.parametrize(
    ("title", "name"), [("gda on leaf: 4/8", "gda-on-leaf-4-8"), ("../..", "figure"), ("葉 <b>", "葉-b")]
)
def test_file_names_are_harmless(title, name):
    assert file_name(title) == name


def test_up_to_ten_recipes_of_a_chart_have_colours_of_their_own():
    every = marks(["mine"])
    names = [name for name in every if name != "majority-class"]
    assert len({every[name].colour for name in names[:10]}) < 10, "or there is nothing to set apart"
    for first in range(len(names) - 10):
        found = apart([*names[first : first + 10], "majority-class"], every)
        assert len(set(found.values())) == 11
        assert found["majority-class"] == BASELINE
        assert found[names[first]] == every[names[first]].colour
    colour = recipe_colour(names[:10], every).to_dict()
    assert len(set(colour["scale"]["range"])) == 10


SCRIPT = """
import altair as alt
import pandas as pd
from dashboards.figure import show_figure
chart = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
show_figure(chart, pd.DataFrame({"x": [0.125]}), "one <b> point")
"""


def test_a_figure_has_its_downloads():
    app = AppTest.from_string(SCRIPT).run()
    assert not app.exception
    assert [each.label for each in app.get("download_button")] == ["SVG", "PDF", "CSV"]


def test_the_data_of_a_figure_are_unrounded():
    from dashboards.figure import _csv

    assert _csv(pd.DataFrame({"x": [1 / 3]})) == b"x\n0.3333333333333333\n"
