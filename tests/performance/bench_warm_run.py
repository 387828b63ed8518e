"""A warm zero-shot run as a whole command, against importing torch and mlflow. Asserts nothing:

    python tests/performance/bench_warm_run.py DATASET

Features and manifest are cached, the store exists, the run is not done yet: each repetition is a suite of its own.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(*command: str) -> float:
    """Wall time of one process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    return time.perf_counter() - began


def main(dataset: str) -> None:
    """Five pairs in turn; prints both medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_RUNS"] = str(Path(folder) / "runs")
        run = [sys.executable, "-c", "from workbench.cli import main; main()", "run", "--model", "offline-lite"]
        run += ["--dataset", dataset, "--recipe", "zero-shot", "--name"]
        seconds(*run, "warm-up")
        pairs = [(seconds(*run, f"suite-{i}"), seconds(sys.executable, "-c", "import torch, mlflow")) for i in range(5)]
        ours, bare = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"warm run {ours:.2f} s, import torch, mlflow {bare:.2f} s, ratio {ours / bare:.2f} (medians of five)")


if __name__ == "__main__":
    main(sys.argv[1])
