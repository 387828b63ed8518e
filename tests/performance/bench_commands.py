"""Time and memory of whole commands. Asserts nothing:

    python tests/performance/bench_commands.py

Quick commands are timed nine times, medians stand beside that of Python alone; memory is the most that a process held
(resident set), and of the process only: what a worker of `--jobs` holds is not in it. The data are 300 made photos in
10 classes, the model is offline-lite.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from subjects import environment, write_photos

# What `wait4` tells is never less than what this process held when it started the other.
PROGRAM = """
import atexit, os, re
from pathlib import Path
def note():
    status = Path("/proc/self/status").read_text()
    Path(os.environ["PEAK"]).write_text(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
atexit.register(note)
from workbench.cli import main
main()
"""
WORKBENCH = [sys.executable, "-c", PROGRAM]
QUICK = (["--help"], ["list", "recipes"], ["list", "datasets"], ["list", "models"], ["run", "--help"])


def measured(command: list[str], variables: dict[str, str], folder: Path) -> tuple[float, float]:
    """Seconds and MiB of one process, which must succeed."""
    peak = folder / "peak"
    peak.unlink(missing_ok=True)
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment(**variables, PEAK=str(peak)), cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{command[-3:]} ended with {done.returncode}: {done.stdout[-2000:]}")
    return seconds, int(peak.read_text()) / 1024 if peak.exists() else 0.0


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        variables = {"WORKBENCH_CACHE": str(folder / "cache"), "WORKBENCH_RUNS": str(folder / "runs")}
        write_photos(folder / "photos", 300, 10)
        (folder / "photos" / "test").rename(folder / "pictures")
        python = statistics.median(measured([sys.executable, "-c", "pass"], variables, folder)[0] for _ in range(9))
        for words in QUICK:
            found = [measured([*WORKBENCH, *words], variables, folder) for _ in range(9)]
            seconds, memory = (statistics.median(values) for values in zip(*found, strict=True))
            print(f"workbench {' '.join(words)}: {seconds:.2f} s (Python alone {python:.2f} s), {memory:.0f} MiB")
        (folder / "classes.txt").write_text("cat\ndog\n")
        data = ["--model", "offline-lite", "--dataset", "pictures"]
        slow = (
            ["check", "pictures"],
            ["run", *data, "--recipe", "zero-shot"],
            ["run", *data, "--recipe", "linear-probe", "--seed", "0", "--seed", "1"],
            ["run", *data, "--recipe", "lora", "--set", "lora.epochs=1"],
            ["results"],
            ["compare", "--suite", "adhoc"],
            ["report", "adhoc", "--to", "report"],
            ["search", "pictures", "a photo", "--model", "offline-lite"],
            ["label", "pictures", "--classes", "classes.txt", "--model", "offline-lite", "--output", "labels.csv"],
            ["embed", "pictures", "--model", "offline-lite", "--to", "features.parquet"],
        )
        for words in slow:
            try:
                seconds, memory = measured([*WORKBENCH, *words], variables, folder)
            except RuntimeError as error:
                print(f"workbench {' '.join(words)}: {error}")
                continue
            print(f"workbench {' '.join(words)}: {seconds:.1f} s, at most {memory:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
