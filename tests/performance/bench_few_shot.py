"""The whole few-shot grid of feature recipes on warm features: its time, and what it shows. Asserts nothing:

    WORKBENCH_DATA=... OMP_NUM_THREADS=2 python tests/performance/bench_few_shot.py [SHOTS [SEEDS]]

SHOTS and SEEDS are lists such as `1,4,16`; by default the suite's. The first pass of zero-shot warms the features.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from workbench.reports.suite import suite_text
from workbench.runs import RecipeEntry, load_suite, run_suite
from workbench.runs.comparisons import GroupComparison, SuiteComparison, compare_suite
from workbench.settings import Settings
from workbench.tracking import open_store

REFERENCES = {"zero-shot", "majority-class"}


def exceptions(comparison: SuiteComparison) -> list[str]:
    """Where a recipe does not beat both references from 4 shots on, or its most shots do not beat its fewest."""
    found = []
    for pair in comparison.pairs:
        labels = {pair.first.group.label, pair.other.group.label}
        met_a_reference = len(labels & REFERENCES) == 1 and int(pair.shots) >= 4
        expected = pair.kind == "shots" or met_a_reference
        if expected and not _first_wins(pair):
            found.append(f"{pair.first.run.dataset}, {pair.shots} shots: {pair.sentence}")
    return found


def _first_wins(pair: GroupComparison) -> bool:
    return pair.first.group.label not in REFERENCES and pair.difference.low > 0


def main(*arguments: str) -> None:
    """Run, time, print the table and the exceptions."""
    suite = load_suite("few-shot")
    replaced = {key: tuple(map(int, text.split(","))) for key, text in zip(("shots", "seeds"), arguments, strict=False)}
    suite = suite.model_copy(update=replaced)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_RUNS"] = str(Path(folder) / "runs")
        settings = Settings.load()
        warm_up = {"name": "warm-up", "recipes": (RecipeEntry(recipe="zero-shot"),)}
        run_suite(suite.model_copy(update=warm_up), settings)
        began = time.perf_counter()
        runs = run_suite(suite, settings)
        whole = time.perf_counter() - began
        fit: Counter[str] = Counter()
        for run in runs:
            fit[run.label] += run.metrics.get("train_seconds", 0.0)
        comparison = compare_suite(open_store(settings), suite.name)
        print(suite_text(comparison, width=200))
        print(
            f"{len(runs)} runs, {sum(run.status != 'finished' for run in runs)} of them not finished, in {whole:.0f} s"
        )
        total = sum(fit.values())
        print(f"fitting {total:.0f} s; all else {(whole - total) / max(len(runs), 1):.3f} s a run")
        print("fitting by recipe:", ", ".join(f"{label} {seconds:.1f} s" for label, seconds in fit.most_common()))
        print("exceptions:", *(exceptions(comparison) or ["none"]), sep="\n  ")


if __name__ == "__main__":
    main(*sys.argv[1:])
