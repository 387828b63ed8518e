"""Charts are valid Vega-Lite and hold the values that they were given."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest

from dashboards.charts.calibration import calibration_chart
from dashboards.charts.confusion import confusion_chart
from dashboards.charts.cost import cost_chart
from dashboards.charts.counts import counts_chart
from dashboards.charts.forest import forest_chart
from dashboards.charts.heat_map import heat_map_chart
from dashboards.charts.intervals import interval_chart
from dashboards.charts.part_shares import part_chart
from dashboards.charts.projection import Projection, lasso_chart, projection_chart
from dashboards.charts.shots import shots_chart, small_charts
from dashboards.charts.transfers import transfer_chart
from dashboards.figure import figure_bytes
from dashboards.views.examples import PartShare
from dashboards.views.heat_map import heat_map
from dashboards.views.projections import OTHERS
from dashboards.views.shots import shot_curves
from dashboards.views.side_by_side import calibration, confusions, pair_up
from dashboards.views.standings import standings
from dashboards.views.transfers import tiles
from tests.runs.comparisons.conftest import Suite
from workbench.reports.colours import apart, marks
from workbench.reports.suite.verdict import verdict
from workbench.runs.comparisons.transfers import transfer_matrices
from workbench.tracking import schema

MARKS = marks(["gda", "lora", "zero-shot", "mine"])


@pytest.fixture
def runs(make_run):
    cost = {"train_seconds": 2.0}
    return [
        make_run("gda", 0.5, shots="1", metrics=cost), make_run("gda", 0.7, shots="all", metrics=cost),
        make_run("lora", 0.8, shots="all", metrics={"train_seconds": 60.0}),
        make_run("zero-shot", 0.3, shots="0", metrics={"train_seconds": 0.0}),
    ]  # fmt: skip


def values(chart, field):
    """All values of a field in a chart's inline data; `to_dict` checks the chart against the schema."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("values"), list) and node["values"] and isinstance(node["values"][0], dict):
                found.extend(row[field] for row in node["values"] if field in row)
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(json.loads(chart.to_json()))
    return found


def test_interval_chart(runs):
    chart = interval_chart(standings(runs, "accuracy"), MARKS)
    assert set(values(chart, "value")) == {0.5, 0.7, 0.8, 0.3}
    assert "lora · all" in values(chart, "name")


def test_heat_map_chart(runs):
    chart = heat_map_chart(heat_map(runs))
    assert set(values(chart, "text")) == {"70.0", "80.0", "30.0"}


def test_shots_chart(runs):
    points, level = shot_curves(runs, "accuracy")
    assert set(values(shots_chart(points, level, "accuracy", MARKS), "mean")) == {0.5, 0.7, 0.8, 0.3}
    assert set(values(shots_chart(points, [], "accuracy", MARKS), "mean")) == {0.5, 0.7, 0.8}


@pytest.mark.parametrize("cost", ["train_seconds", "trainable_parameters"])
def test_cost_chart(make_run, cost):
    runs = [make_run(f"r{i}", 0.1 * i, metrics={cost: 10.0**i - 1}) for i in range(1, 5)]
    chart = cost_chart(standings(runs, "accuracy"), cost, marks(run.label for run in runs))
    assert set(values(chart, "cost")) == {9.0, 99.0, 999.0, 9999.0}
    ticks = re.findall(r">([\d.,e+]+)</text>", figure_bytes(chart, "cost", "svg").decode())
    assert {"10", "100", "1,000"} <= set(ticks)


def test_the_axis_of_costs_has_ticks_where_all_is_quick(make_run):
    runs = [make_run(f"r{i}", 0.1, metrics={"train_seconds": seconds}) for i, seconds in enumerate((0, 0.0004, 0.02))]
    chart = cost_chart(standings(runs, "accuracy"), "train_seconds", marks(run.label for run in runs))
    ticks = re.findall(r">([\d.,e+]+)</text>", figure_bytes(chart, "cost", "svg").decode())
    assert {"0", "0.0001", "0.001", "0.01"} <= set(ticks)


def test_pair_charts(make_predictions):
    pair = pair_up(make_predictions(), make_predictions(2.0, seed=1))
    a, b = confusions(pair)
    shares = values(confusion_chart(a, pair.class_names), "share")
    assert sum(shares) == pytest.approx(3)
    assert sum(values(confusion_chart(a - b, pair.class_names, difference=True), "share")) == pytest.approx(0)
    curves = dict(zip("AB", calibration(pair), strict=True))
    assert {*values(calibration_chart(curves), "run")} == {"A", "B"}


def test_a_confusion_cell_leads_to_its_items():
    matrix = np.array([[5.0, 0, 0], [0, 4, 2], [0, 0, 1]])
    found = values(confusion_chart(matrix, ("a", "b & c", "d"), run_id="r"), "url")
    assert "errors?run=r&show=right&true=a&predicted=a" in found
    assert "errors?run=r&show=wrong&true=b+%26+c&predicted=d" in found
    assert len(found) == np.count_nonzero(matrix)
    plain = confusion_chart(matrix, ("a", "b", "c"), difference=True)
    assert "href" not in plain.to_json()


def test_names_cut_short_stay_different():
    names = [f"a very long class name that goes on and on {i}" for i in range(3)]
    shown = values(confusion_chart(np.eye(3), names), "true")
    assert len(set(shown)) == 3


def test_counts_chart():
    chart = counts_chart({"train": [3, 1], "val": [0, 0], "test": [2, 2]}, ["a", "b"])
    assert sum(values(chart, "images")) == 8


def test_part_chart():
    parts = [PartShare("colour", 20, 0.25, 0.1, 0.5, True, 0.2), PartShare("place", 30, 0.75, 0.6, 0.9, True, 0.25)]
    chart = part_chart(parts, "category")
    assert set(values(chart, "share")) == {0.25, 0.75}
    assert set(values(chart, "chance")) == {0.2, 0.25}
    assert len(part_chart([dataclasses.replace(parts[0], chance=None)], "category").layer) == 2, "no line of chance"


def test_at_most_ten_values_of_a_map_have_colours():
    kinds = [f"class {i:02}" for i in range(12) for _ in range(12 - i)]
    points = np.random.default_rng(0).normal(size=(len(kinds), 2))
    everything = Projection(points, kinds, [f"{i}.png" for i in range(len(kinds))], "class")
    chart = projection_chart(everything)
    assert set(values(chart, "shown")) == {*(f"class {i:02}" for i in range(10)), OTHERS}
    assert set(values(chart, "value")) == set(kinds)
    colours = chart.to_dict()["encoding"]["color"]["scale"]["range"]
    assert len(set(colours)) == 11
    few = projection_chart(dataclasses.replace(everything, chosen=("class 11",)))
    assert set(values(few, "shown")) == {"class 11", OTHERS}


def test_both_maps_draw_each_image_once_in_the_same_place_and_colour():
    kinds, names = ["<b>moss</b>", "fern", "fern", "a & b"], ["<i>0</i>.png", "1.png", "2.png", "3.png"]
    points = np.arange(8.0).reshape(4, 2)
    projection = Projection(points, kinds, names, "class", ("fern", "<b>moss</b>"))
    figure, chart = lasso_chart(projection), projection_chart(projection).to_dict()
    scale = chart["encoding"]["color"]["scale"]
    expected = dict(zip(scale["domain"], scale["range"], strict=True))
    drawn = {}
    for trace in figure.data:
        for (number, image, value), x, y in zip(trace.customdata, trace.x, trace.y, strict=True):
            assert number not in drawn
            drawn[number] = (html.unescape(image), html.unescape(value), x, y)
            assert trace.marker.color == expected[html.unescape(trace.name)]
            # Plotly would read tags.
            assert "<" not in image + value + trace.name
    assert drawn == {i: (names[i], kinds[i], *points[i]) for i in range(4)}
    assert figure.data[0].name == OTHERS, "what is grey lies below"


def test_many_recipes_are_small_charts_on_the_same_axes(make_run):
    runs = [make_run(f"r{i}", 0.1 + i / 20, shots=shots) for i in range(12) for shots in ("1", "4")]
    points, level = shot_curves([*runs, make_run("zero-shot", 0.05, shots="0")], "accuracy")
    charts = small_charts(points, level, "accuracy", marks(run.label for run in runs))
    assert next(iter(charts)) == "r11"
    assert len(charts) == 12
    assert {str(chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]["domain"]) for chart in charts.values()} == {
        str([0.05, 0.65])
    }


def test_the_legend_takes_nothing_from_the_plot(make_run):
    def height(count):
        runs = [make_run(f"r{i}", 0.5, shots=shots) for i in range(count) for shots in ("1", "4")]
        chart = shots_chart(*shot_curves(runs, "accuracy"), "accuracy", marks(run.label for run in runs))
        return chart.to_dict()["height"]

    assert height(18) - height(2) >= 8 * 20


def test_shades_of_values_that_are_nearly_alike_are_nearly_alike(make_run):
    close = values(heat_map_chart(heat_map([make_run("a", 0.70), make_run("b", 0.71)])), "place")
    apart = values(heat_map_chart(heat_map([make_run("a", 0.30), make_run("b", 0.71)])), "place")
    assert max(close) - min(close) == pytest.approx(0.1)
    assert max(apart) - min(apart) == pytest.approx(1.0)
    losses = [make_run(name, metrics={"nll": nll}, tags={schema.PRIMARY_METRIC: "nll", schema.LABEL: name})
              for name, nll in (("a", 2.0), ("b", 1.0))]  # fmt: skip
    chart = heat_map_chart(heat_map(losses))
    assert dict(zip(values(chart, "recipe"), values(chart, "place"), strict=True)) == {"a": 0.0, "b": 1.0}


def test_forest_chart():
    suite = Suite()
    suite.write("majority-class", signal=0.0, shots="all", model="none", n=300)
    for recipe, signal in (("gda", 3.0), ("probe", 2.95), ("knn", 1.5)):
        suite.write(recipe, signal=signal, n=300)
    found = verdict(suite.comparison(), "trees")
    labels = [place.label for place in found.places]
    chart = forest_chart(found, marks(labels))
    drawn = figure_bytes(chart, "forest", "svg").decode()
    hollow = re.findall(r'aria-roledescription="point" transform="[^"]*" d="[^"]*" stroke="([^"]*)"', drawn)
    assert hollow == [apart(labels, marks(labels))["knn"]]
    assert values(chart, "name")[:3] == [f"{place.rank}. {place.label}" for place in found.places]
    assert values(chart, "tied")[:3] == [True, True, False]
    assert values(chart, "value")[-1] == found.baseline.estimate.value


def test_transfer_chart():
    suite = Suite()
    suite.write("zero-shot", signal=0.5, dataset="trees", shots="0")
    suite.write("probe", signal=2.6, dataset="trees")
    suite.write("zero-shot", signal=2.5, dataset="ferns", shots="0")
    tags = {schema.TRAINED_ON: "trees", schema.SOURCE_FINGERPRINT: "trees"}
    suite.write("probe", signal=0.5, dataset="ferns", label="probe from trees", tags=tags)
    (matrix,) = transfer_matrices(suite.comparison())
    chart = transfer_chart(list(tiles(matrix)))
    rows, targets, differences = (values(chart, name) for name in ("row", "target", "gain"))
    assert values(chart, "name") == rows, "short names stay as they are"
    gains = dict(zip(zip(rows, targets, strict=True), differences, strict=True))
    accuracy = {(run.dataset, run.recipe): run.metrics["accuracy"] for run in suite.runs}
    for target in ("trees", "ferns"):
        expected = accuracy[target, "probe"] - accuracy[target, "zero-shot"]
        assert gains["probe from trees", target] == pytest.approx(expected)
        assert gains["zero-shot", target] == 0
    marks_shown = "".join(values(chart, "text"))
    assert ("▲" in marks_shown, "▼" in marks_shown) == (True, True)
