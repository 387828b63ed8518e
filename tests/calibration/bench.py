"""How often a test claims a difference that is not there, and how often an interval holds the truth.

    python -m tests.calibration.bench [--runs 2000] [--to docs/numbers.md]

Both are counted on simulated runs of which the truth is known (see `simulations.py`), and written as tables between the
two marks in the document. `nox -s calibration` does that; it takes some 20 minutes on two cores.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tests.calibration.simulations import (
    CLASSES,
    MULTI_LABEL,
    SINGLE_LABEL,
    TWO_CLASSES,
    Null,
    Quality,
    classifier,
    covers,
    intervals,
    null_p_value,
)

BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
DIFFERING = (1, 6, 20)
SIGNALS = (1.5, 3.0)
LEVEL = 0.05


def type_one(pool: ProcessPoolExecutor, runs: int) -> Iterator[str]:
    """A row a metric: the largest share of claims over all settings at each number of differing units."""
    yield f"| metric | {' | '.join(f'{k} differ' for k in DIFFERING)} |"
    yield f"|---|{'---|' * len(DIFFERING)}"
    sorts: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
        ("", SINGLE_LABEL, {}),
        (", two classes", TWO_CLASSES, {"classes": 2}),
        (", multi-label", MULTI_LABEL, {"multi_label": True}),
    )
    for title, metrics, options in sorts:
        for metric in metrics:
            shares = []
            for differing in DIFFERING:
                kinds = [Null(differing, *kind, **options) for kind in product((False, True), repeat=2)]
                shares.append(max(claimed(pool, kind, metric, runs) for kind in kinds))
            yield f"| `{metric}`{title} | {' | '.join(f'{share:.3f}' for share in shares)} |"
    # More items than are computed anew for every exchange; one kind, counted more closely instead of the worst of four.
    large = [claimed(pool, Null(k, n=1100), "auroc", 5 * runs) for k in DIFFERING]
    yield f"| `auroc` of 1,100 items | {' | '.join(f'{share:.3f}' for share in large)} |"


def claimed(pool: ProcessPoolExecutor, kind: Null, metric: str, runs: int) -> float:
    """Share of pairs without a difference at which the test says p <= 0.05."""
    p_values = list(pool.map(partial(null_p_value, kind, metric), range(runs), chunksize=50))
    return float(np.mean(np.array(p_values) <= LEVEL))


def coverage(pool: ProcessPoolExecutor, runs: int) -> Iterator[str]:
    """A row a test set: how often the interval of accuracy holds the truth."""
    accuracies = (0.8, 0.9, 0.95, 0.99)
    yield f"| test set | {' | '.join(f'accuracy {a:g}' for a in accuracies)} | called reliable |"
    yield f"|---|{'---|' * (len(accuracies) + 1)}"
    sets = [(f"{n} items", {"n": n}) for n in (50, 200)]
    sets += [(f"{g} groups of 8 to 12", {"groups": g}) for g in (20, 40, 100)]
    sets += [(f"{g} groups of Pareto sizes", {"groups": g, "pareto": True}) for g in (20, 40, 100)]
    for name, options in sets:
        shares, reliable = [], []
        for accuracy in accuracies:
            found = np.array(list(pool.map(partial(covers, Quality(accuracy, **options)), range(runs), chunksize=50)))
            shares.append(found[:, 0].mean())
            reliable.append(found[:, 1].mean())
        yield f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} | {np.mean(reliable):.0%} |"


def coverage_of_all(pool: ProcessPoolExecutor, runs: int) -> Iterator[str]:
    """A row a metric: coverage for 50 and 200 items and two classifiers."""
    cells = [(signal, n) for signal in SIGNALS for n in (50, 200)]
    for i, (title, metrics, classes) in enumerate((("", SINGLE_LABEL, CLASSES), (", two classes", TWO_CLASSES, 2))):
        truth = {}
        for signal in SIGNALS:
            large = classifier(200_000, signal, np.random.default_rng(99), classes)
            truth[signal] = intervals(("accuracy", *metrics), *large, replicates=1)
        head = (f"{n} items, accuracy {truth[signal]['accuracy'].value:.2f}" for signal, n in cells)
        if i:
            yield f"| | {' | '.join(head)} |"
        else:
            yield f"| metric | {' | '.join(head)} |"
            yield f"|---|{'---|' * len(cells)}"
        for metric in metrics:
            shares = []
            for signal, n in cells:
                held = pool.map(
                    partial(_holds, metric, n, signal, classes, truth[signal][metric].value), range(runs), chunksize=20
                )
                shares.append(float(np.mean(list(held))))
            yield f"| `{metric}`{title} | {' | '.join(f'{share:.3f}' for share in shares)} |"


def _holds(metric: str, n: int, signal: float, classes: int, truth: float, seed: int) -> bool:
    drawn = classifier(n, signal, np.random.default_rng(seed), classes)
    estimate = intervals((metric,), *drawn, replicates=400, seed=seed).get(metric)
    return estimate is not None and estimate.low <= truth <= estimate.high


def main() -> None:
    """Print the tables, and write them into a document where one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    runs = options.runs
    lines = [f"{runs:,} simulated pairs or test sets a cell; {5 * runs:,} in the row of 1,100 items.", ""]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for title, rows in (
            ("Claims at the 5 % level where there is no difference (at most 0.05 is promised)", type_one),
            ("Coverage of the 95 % interval of accuracy", coverage),
            ("Coverage of the 95 % intervals of all metrics, items without groups", coverage_of_all),
        ):
            lines += [f"**{title}**", ""]
            for row in rows(pool, runs):
                print(row, flush=True)
                lines.append(row)
            lines.append("")
    if options.to is not None:
        before, _, rest = options.to.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        text = "\n".join([before + BEGIN, "", *lines, END]) + after
        options.to.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
