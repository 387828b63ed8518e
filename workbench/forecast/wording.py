"""A forecast in words."""

from workbench.forecast.forecast import MARGIN, Forecast
from workbench.forecast.work import ImageWork
from workbench.formatting import counted, format_count, format_seconds, format_share

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_SHOWN = 5


def format_bytes(size: float) -> str:
    """A size: `640 kB`, `1.2 GB`; units are powers of 1000."""
    for unit in _UNITS[:-1]:
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 9.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"


def forecast_lines(forecast: Forecast) -> list[str]:
    """The forecast, a line for each quantity."""
    if not forecast.to_make:
        return ["Forecast: all runs are made already, and cost nothing."]
    where = f"{forecast.device} ({forecast.device_name})"
    lines = [
        f"Forecast, from {format_seconds(forecast.measured_seconds)} of measuring on {where}; "
        f"{format_seconds(forecast.limit_seconds)} are allowed (--measure), besides opening models and a store:",
        f"  runs      {format_count(forecast.to_make)} to be made; {format_count(forecast.made)} are made already",
        *_images(forecast),
        *(
            f"  texts     {format_count(text.missing)} of {format_count(text.total)} to be embedded by {text.model}"
            for text in forecast.texts
        ),
        _time(forecast),
        _memory(forecast),
        f"  disk      about {format_bytes(forecast.feature_bytes + forecast.record_bytes)}: features "
        f"{format_bytes(forecast.feature_bytes)}, runs {format_bytes(forecast.record_bytes)}",
        f"  GPU       {_gpu(forecast)}",
    ]
    dearest = sorted(forecast.batches, key=lambda batch: -batch.seconds)[:_SHOWN]
    lines += [
        f"  longest   {format_seconds(batch.seconds)}: {batch.label} on {batch.dataset}, {batch.model}, "
        f"{counted(batch.runs, 'run')} ({batch.how})"
        for batch in dearest
        if batch.seconds
    ]
    lines += [
        f"  not forecast: {batch.label} on {batch.dataset}, {batch.model}, {counted(batch.runs, 'run')}: {batch.how}"
        for batch in forecast.not_forecast
    ]
    return [*lines, *(f"  note      {note}" for note in forecast.notes)]


def _images(forecast: Forecast) -> list[str]:
    if not forecast.images:
        return ["  images    none are read"]
    return [
        f"  images    {format_count(work.missing)} of {format_count(work.total)} of {work.dataset} to be computed by "
        f"{work.model}" + ("" if work.view == "eval" else f", {work.view}") + _each(work)
        for work in forecast.images
    ]


def _each(work: ImageWork) -> str:
    if not work.missing:
        return ""
    if not work.seconds_each:
        return "; not forecast: how long, since none was measured"
    return f", {1 / work.seconds_each:.3g} a second" + ("" if work.measured else ", as those of other datasets")


def _time(forecast: Forecast) -> str:
    low, high = forecast.seconds * (1 - MARGIN), forecast.seconds * (1 + MARGIN)
    start = forecast.overhead.start_seconds + forecast.overhead.store_seconds
    parts = (
        f"features {format_seconds(forecast.feature_seconds)}, fitting {format_seconds(forecast.fit_seconds)}, "
        f"results {format_seconds(forecast.result_seconds)}, starting {format_seconds(start)}"
    )
    several = ""
    if forecast.workers > 1:
        several = f" with {forecast.workers} at a time, {format_seconds(forecast.work_seconds)} of work"
    at_least = "at least " if forecast.not_forecast else ""
    return (
        f"  time      {at_least}about {format_seconds(forecast.seconds)}{several} ({format_seconds(low)} to "
        f"{format_seconds(high)}, that is {format_share(MARGIN, 0)} either way): {parts}"
    )


def _memory(forecast: Forecast) -> str:
    several = " for each process" if forecast.workers > 1 else ""
    on_gpu = f"; on the GPU about {format_bytes(forecast.gpu_memory)}" if forecast.gpus else ""
    return f"  memory    about {format_bytes(forecast.memory)} at the peak{several}{on_gpu}"


def _gpu(forecast: Forecast) -> str:
    if not forecast.gpus:
        return "none"
    return f"about {forecast.gpu_hours:.2g} GPU hours on {counted(forecast.gpus, 'GPU')}"
