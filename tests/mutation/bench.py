"""Change the program a little, run the tests that should notice, and list the changes that none of them saw.

    python -m tests.mutation.bench [--only PART] [--minutes 60] [--workers 2]

`nox -s mutation` does that. Everything happens in copies of the tree. A change that is seen by no test is either one
that changes nothing, or a test that is missing; docs/reliability.md has those that are left, and why.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.changes import Change, changes

ROOT = Path(__file__).parents[2]
TARGETS: dict[str, tuple[str, ...]] = {
    "workbench/runs/key.py": ("tests/runs/test_key_parts.py",),
    "workbench/runs/comparisons/runs.py": ("tests/runs/comparisons/test_recorded.py",),
    "workbench/runs/comparisons/measuring.py": ("tests/runs/comparisons/test_recorded.py",),
    "workbench/datasets/splits.py": ("tests/datasets/test_split_units.py", "tests/datasets/test_splits.py"),
    "workbench/datasets/_draw.py": (
        "tests/datasets/test_draw_limits.py",
        "tests/datasets/test_split_units.py",
        "tests/datasets/test_splits.py",
    ),
    "workbench/tasks/few_shot.py": ("tests/tasks/test_few_shot.py",),
    "workbench/tasks/classification/classes.py": ("tests/tasks/test_class_order.py",),
}
"""File to the tests that are to notice; quick ones, since each is run for every change."""
_COPIED = ("workbench", "adapters", "benchmarks", "dashboards", "tests")
SECONDS = 90
"""A change may make the program hang."""


def survives(tree: Path, path: str, source: str, tests: Sequence[str]) -> bool:
    """Whether the tests pass with a file's source replaced; the file is put back.

    The tests run in a child that starts with heavy libraries imported, but nothing of ours.
    """
    file = tree / path
    original = file.read_text(encoding="utf-8")
    file.write_text(source, encoding="utf-8")
    try:
        child = os.fork()
        if child == 0:
            _run(tree, tests)
        return _ended(child) == 0
    finally:
        file.write_text(original, encoding="utf-8")


def _run(tree: Path, tests: Sequence[str]) -> None:
    import pytest

    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    os.chdir(tree)
    sys.dont_write_bytecode = True
    sys.path[:] = [str(tree), *(each for each in sys.path if each not in {"", str(ROOT)})]
    for name in [name for name in sys.modules if name.partition(".")[0] in _COPIED]:
        del sys.modules[name]
    os._exit(int(pytest.main([*tests, "-x", "-q", "-p", "no:cacheprovider", f"--basetemp={tree}-tmp"])))


def _ended(child: int) -> int:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1


def copied(folder: Path) -> Path:
    """A copy of the tree, without what was compiled."""
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def run(targets: dict[str, tuple[str, ...]], minutes: float, workers: int) -> dict[str, tuple[int, list[Change]]]:
    """File to how many changes were tried and which were not noticed."""
    import mlflow  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pydantic  # noqa: F401
    import pytest  # noqa: F401
    import scipy.sparse  # noqa: F401
    import torch  # noqa: F401

    until, found = time.monotonic() + 60 * minutes, {}
    with tempfile.TemporaryDirectory(prefix="workbench-mutation-") as place, ThreadPoolExecutor(workers) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for i in range(workers):
            trees.put(copied(Path(place) / f"tree-{i}"))

        def judge(path: str, change: Change) -> tuple[Change, bool] | None:
            if time.monotonic() > until:
                return None
            tree = trees.get()
            try:
                return change, survives(tree, path, change.source, targets[path])
            finally:
                trees.put(tree)

        for path, tests in targets.items():
            source = (ROOT / path).read_text(encoding="utf-8")
            tree = trees.get()
            if not survives(tree, path, source, tests):
                raise SystemExit(f"{path}: {', '.join(tests)} fail without any change")
            trees.put(tree)
            judged = [each for each in pool.map(lambda c, path=path: judge(path, c), changes(source)) if each]
            left = [change for change, lives in judged if lives]
            found[path] = len(judged), left
            print(f"| `{path}` | {len(judged)} | {len(judged) - len(left)} | {len(left)} |", flush=True)
            for change in left:
                print(f"{path}:{change.line}: {change.what}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of a path")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    chosen = {path: tests for path, tests in TARGETS.items() if options.only in path}
    print("| file | changes | noticed | not noticed |\n|---|---|---|---|")
    run(chosen, options.minutes, options.workers)


if __name__ == "__main__":
    main()
