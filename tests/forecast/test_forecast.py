"""Sums of a forecast with given measurements, and its words."""

from dataclasses import replace

import pytest

from workbench.forecast import Forecast, forecast_lines
from workbench.forecast.wording import format_bytes
from workbench.forecast.work import BatchWork, FeatureWork, ImageWork, Overhead

PROBE = BatchWork("leaves", "m", "linear-probe", 2, 3.0, 0.5, 1000.0, "fitted in full")
LORA = BatchWork("leaves", "m", "lora", 1, 100.0, 1.0, 5e6, "some steps, times their number")
UNKNOWN = BatchWork("leaves", "m", "mine", 1, None, None, None, "ValueError: no fit")

FORECAST = Forecast(
    runs=4, made=1,
    images=[ImageWork(dataset="leaves", model="m", total=300, missing=200, seconds_each=0.1, bytes_each=100)],
    texts=[FeatureWork(model="m", total=12, missing=10, seconds_each=0.2, bytes_each=50)],
    batches=[PROBE, LORA],
    overhead=Overhead(5.0, {"m": 3.0}, 4.0, 0.25, 600_000.0, 1000.0),
    device="cpu", device_name="a processor", memory=1.5e9, measured_seconds=20, limit_seconds=30,
)  # fmt: skip


def test_time_is_the_sum_of_its_parts():
    assert FORECAST.feature_seconds == pytest.approx(20 + 2 + 3)
    assert FORECAST.fit_seconds == 103
    assert FORECAST.result_seconds == pytest.approx(2 * 0.5 + 1 + 3 * 0.25)
    assert FORECAST.seconds == pytest.approx(5 + 4 + 25 + 103 + 2.75)


def test_disk_is_what_is_added():
    assert FORECAST.feature_bytes == 200 * 100 + 10 * 50
    assert FORECAST.record_bytes == pytest.approx(2 * 1000 + 5e6 + 600_000 + 3 * 1000)


def test_what_is_made_costs_nothing():
    done = replace(FORECAST, made=4, batches=[], images=[], texts=[])
    assert (done.record_bytes, done.feature_bytes, done.fit_seconds) == (0, 0, 0)
    assert forecast_lines(done) == ["Forecast: all runs are made already, and cost nothing."]


def test_workers_share_the_work():
    # 5 to start and 4 for the store; then features, 25, and the longer batch with its recording.
    two = replace(FORECAST, workers=2)
    assert two.seconds == pytest.approx(9 + 25 + 101.25)
    assert two.work_seconds == pytest.approx(FORECAST.seconds)
    assert replace(two, core_seconds=500).seconds == pytest.approx(509)


def test_gpu_hours_are_those_that_gpus_are_held():
    assert FORECAST.gpu_hours == 0
    on_gpu = replace(FORECAST, device="cuda:0", gpus=1)
    assert on_gpu.gpu_hours == pytest.approx(FORECAST.seconds / 3600)
    assert replace(on_gpu, workers=2, gpus=2).gpu_hours == pytest.approx(2 * (9 + 25 + 101.25) / 3600)
    assert "GPU hours on 1 GPU" in "\n".join(forecast_lines(on_gpu))


def test_what_is_not_forecast_is_named_and_makes_the_time_a_least_one():
    text = "\n".join(forecast_lines(replace(FORECAST, runs=5, batches=[PROBE, LORA, UNKNOWN])))
    assert "at least about 2 min 20 s" in text
    assert "not forecast: mine on leaves, m, 1 run: ValueError: no fit" in text
    assert "not forecast" not in "\n".join(forecast_lines(FORECAST))


def test_says_each_quantity_with_its_margin():
    text = "\n".join(forecast_lines(FORECAST))
    for words in (
        "3 to be made; 1 are made already", "200 of 300 of leaves to be computed by m, 10 a second",
        "10 of 12 to be embedded by m", "about 2 min 20 s (1 min 38 s to 3 min 2 s, that is 30 % either way)",
        "about 1.5 GB at the peak", "about 5.6 MB: features", "GPU       none",
        "1 min 41 s: lora on leaves, m, 1 run (some steps, times their number)",
    ):  # fmt: skip
        assert words in text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (64_000, "64 kB"), (2.34e9, "2.3 GB")]
)
def test_sizes_are_in_human_units(size, text):
    assert format_bytes(size) == text
