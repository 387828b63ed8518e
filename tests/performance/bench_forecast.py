"""What `workbench run --dry-run` predicts, against the run itself. Asserts nothing:

    python tests/performance/bench_forecast.py quickstart "--model offline-lite --dataset beans --recipe lora --shots 4"

Each argument is one run, cold: cache and runs are empty when it is forecast. The run comes next, in the same folders,
and does what the forecast has left.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from workbench.cli import main; main()", "run"]


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def bench(run: str, folder: Path) -> None:
    """Forecast and make one run; print both."""
    cache, runs = folder / "cache", folder / "runs"
    environment = {**os.environ, "WORKBENCH_CACHE": str(cache), "WORKBENCH_RUNS": str(runs)}
    arguments = shlex.split(run)
    began = time.perf_counter()
    done = subprocess.run(
        [*COMMAND, *arguments, "--dry-run", "--json"], env=environment, check=True, capture_output=True, text=True
    )
    print(f"\n{run}\nforecast in {time.perf_counter() - began:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
    answer = json.loads(done.stdout)
    forecast = answer["forecast"]
    if forecast is None:
        print(f"no forecast: {answer.get('reason')}")
        return
    images = sum(each["missing"] for each in forecast["images"])
    print(f"images to be computed: {images}; measured for {forecast['measured_seconds']:.0f} s")
    before = size(cache / "features")
    began = time.perf_counter()
    with (folder / "out").open("w+") as out:
        process = subprocess.Popen([*COMMAND, *arguments, "--json"], env=environment, stdout=out)
        _, _, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        out.seek(0)
        made = json.loads(out.read())
    # Runs that were fitted together share the time.
    fits = sum(each["metrics"]["train_seconds"] for each in made)
    features = sum(
        max(each["metrics"]["extract_seconds"] for each in made if each["dataset"] == dataset)
        for dataset in {each["dataset"] for each in made}
    )
    peak = used.ru_maxrss * 1024
    rows = [
        ("time, s", forecast["seconds"], seconds),
        ("features, s", sum(each["missing"] * (each["seconds_each"] or 0) for each in forecast["images"]), features),
        ("fitting, s", forecast["fit_seconds"], fits),
        ("memory, MB", forecast["memory_bytes"] / 1e6, peak / 1e6),
        ("features, MB", forecast["feature_bytes"] / 1e6, (size(cache / "features") - before) / 1e6),
        ("runs, MB", forecast["record_bytes"] / 1e6, size(runs) / 1e6),
    ]
    print(f"the run: {len(made)} runs, load {os.getloadavg()[0]:.1f}")
    print(f"{'':<14}{'predicted':>11}{'real':>11}{'ratio':>8}")
    for name, predicted, real in rows:
        print(
            f"{name:<14}{predicted:>11.1f}{real:>11.1f}{predicted / real if real else float('nan'):>8.2f}", flush=True
        )
    for each in forecast["not_forecast"]:
        print(f"not forecast: {each['label']} on {each['dataset']}: {each['reason']}")


if __name__ == "__main__":
    for case in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as place:
            bench(case, Path(place))
