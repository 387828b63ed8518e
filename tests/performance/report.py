"""Run the benchmarks one after the other, and write what they print to docs/performance.md.

    python tests/performance/report.py [--to FILE] [--only NAME ...]

`nox -s bench` does so. Each benchmark is a process of its own; nothing else should run meanwhile. With `--only` the
other sections of the file stay as they are. Where there is a GPU, the parts that use one add its rows.
"""

import argparse
import ast
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
SECTIONS = {
    "zero_shot": "A zero-shot run, cold and warm",
    "preprocessing": "Preprocessing",
    "model": "Weights in the precision of the run",
    "extraction": "Extraction",
    "overlap": "Decoding beside the network",
    "probe": "The linear probe's penalties",
    "training": "A step of LoRA",
    "run_by_run": "A few-shot suite",
    "commands": "Time and memory of commands",
}
_ASIDE = r" Asserts nothing(; (\w)|:|\.)|, and asserts nothing"
PACKAGES = ("torch", "open_clip_torch", "torchvision", "scikit-learn", "mlflow", "peft", "clip-benchmark")


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, help="Markdown file; prints without.")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    arguments = parser.parse_args()
    known = _sections(arguments.to.read_text(encoding="utf-8")) if arguments.to and arguments.to.exists() else {}
    for name in arguments.only:
        print(f"{name} ...", file=sys.stderr, flush=True)
        known[SECTIONS[name]] = _measured(name)
        text = _document(known)
        if arguments.to:
            arguments.to.write_text(text, encoding="utf-8")
    if not arguments.to:
        print(text)


def _measured(name: str) -> str:
    script = HERE / f"bench_{name}.py"
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script.name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    about = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    paragraphs = [part for part in about.split("\n\n") if not part.startswith("    ")]
    words = "\n\n".join(re.sub(_ASIDE, _without_the_aside, p) for p in paragraphs)
    command = f"python tests/performance/{script.name}"
    when = f"{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - began:.0f} s"
    return f"{words.rstrip(':')}\n\n```text\n$ {command}\n{done.stdout.strip()}\n```\n\n{when}; {_machine()}"


def _without_the_aside(match: re.Match[str]) -> str:
    return f" {match[2].upper()}" if match[2] else ""


def _machine() -> str:
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU was at hand, so its rows are missing"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, {gpu}; Python {platform.python_version()}, {_versions()}."


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _versions() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except ImportError:
            continue
    return ", ".join(found)


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {title: body.strip() for title, body in zip(parts[::2], parts[1::2], strict=True)}


def _document(sections: dict[str, str]) -> str:
    head = (
        "# Performance\n\nWritten by `nox -s bench`, which runs every script of `tests/performance` that stands here. "
        "Times are of one machine;\nwhat carries over to others are ratios, each taken within one run.\n"
    )
    # What was written by hand stands behind what was measured.
    measured = list(SECTIONS.values())
    ordered = [title for title in measured if title in sections] + [
        title for title in sections if title not in measured
    ]
    return head + "".join(f"\n## {title}\n\n{sections[title]}\n" for title in ordered)


if __name__ == "__main__":
    main()
