import math

import pytest

from workbench.formatting import counted, format_count, format_p, format_seconds, format_share
from workbench.metrics.derived import base_of
from workbench.metrics.domains import ranked_metric
from workbench.metrics.formatting import format_difference, format_interval, format_value, heading, in_per_cent
from workbench.metrics.registry import all_metrics, metric_named

NAN = math.nan


@pytest.mark.parametrize(
    ("p", "text"),
    [(4e-11, "p < 0.001"), (0.0, "p < 0.001"), (0.00099, "p < 0.001"), (0.001, "p = 0.001"), (0.0342, "p = 0.034"),
     (0.41, "p = 0.410"), (1.0, "p = 1.000"), (NAN, "p = -")],
)  # fmt: skip
def test_p_values(p, text):
    assert format_p(p) == text
    assert format_p(p, name="") == text.removeprefix("p = ").removeprefix("p ")


@pytest.mark.parametrize(
    ("value", "text"), [(0.71449, "71.4 %"), (0.0, "0.0 %"), (1.0, "100.0 %"), (-1e-9, "0.0 %"), (NAN, "-")]
)
def test_shares_have_one_decimal(value, text):
    assert format_share(value) == text


def test_cells_without_room_round_to_whole_per_cent():
    assert format_share(0.716, 0) == "72 %"


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [("accuracy", 0.08, "+8.0 points"), ("accuracy", -0.0123, "-1.2 points"), ("auroc/oedema", -1e-6, "+0.0 points"),
     ("nll", -0.01234, "-0.0123"), ("nll", 2.0, "+2"), ("ref_clip_score", 0.5, "+0.5"), ("accuracy", NAN, "-")],
)  # fmt: skip
def test_differences_have_a_sign_and_a_unit(metric, value, text):
    assert format_difference(metric, value) == text


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [("accuracy", 0.714, "71.4"), ("nll", 1.23456, "1.23"), ("nll", 0.0, "0"), ("train_images", 240.0, "240"),
     ("trainable_parameters", 1234567.0, "1,234,567"), ("median_rank", 3.5, "3.5"), ("accuracy", NAN, "-"),
     ("images_per_second", 140.26, "140"), ("cmmd", 0.00012345, "0.000123")],
)  # fmt: skip
def test_values(metric, value, text):
    assert format_value(metric, value) == text
    unit = " %" if metric == "accuracy" and text != "-" else ""
    assert format_value(metric, value, unit=True) == text + unit


def test_intervals():
    assert format_interval("accuracy", 0.661, 0.725) == "[66.1, 72.5]"
    assert format_interval("nll", 0.5, 1.25) == "[0.5, 1.25]"
    assert format_interval("accuracy", NAN, 0.725) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (0.004, "< 0.01 s"), (0.2149, "0.21 s"), (3.04, "3.0 s"), (9.94, "9.9 s"),
     (9.96, "10 s"), (48.4, "48 s"),
     (59.6, "1 min 0 s"), (312.0, "5 min 12 s"), (11400.0, "3 h 10 min"), (NAN, "-")],
)  # fmt: skip
def test_seconds(seconds, text):
    assert format_seconds(seconds) == text


def test_counts():
    assert [format_count(n) for n in (0, 999, 1000, 1234567.0, NAN)] == ["0", "999", "1,000", "1,234,567", "-"]
    assert [counted(n, "run") for n in (0, 1, 2000)] == ["0 runs", "1 run", "2,000 runs"]
    assert counted(2, "class", "classes") == "2 classes"


def test_shares_are_in_per_cent_and_nothing_else():
    plain = {name for name in all_metrics() if not in_per_cent(name)}
    # A gap between shares is shown as they are.
    assert plain == {name for name in all_metrics() if not metric_named(ranked_metric(name)).is_share}
    over_items = {name for name in plain if ranked_metric(name) == name and base_of(name) is None}
    assert over_items == {
        "nll", "text_to_image_median_rank", "image_to_text_median_rank", "cider", "clip_score", "ref_clip_score",
        "mcc", "quadratic_kappa", "set_size", "hierarchical_distance", "mistake_severity",
    }  # fmt: skip
    over_domains = {name for name in plain - over_items if base_of(name) is None}
    assert {ranked_metric(name) for name in over_domains} == {"nll", "mcc", "quadratic_kappa", "set_size"}
    counts = ("train_images", "unreadable_images", "test_items", "test_groups", "different_prompts", "train_seconds")
    assert not any(map(in_per_cent, counts))


def test_headings_name_the_unit():
    assert [heading(name) for name in ("accuracy", "ece/a", "nll/a")] == ["accuracy %", "ece/a %", "nll/a"]
