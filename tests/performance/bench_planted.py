"""Recipes that start from text against the published update rules, on planted features with CLIP's geometry.

Prints Markdown tables of mean test accuracy over seeds at 1, 4 and 16 images a class, and asserts nothing:

    OMP_NUM_THREADS=2 python tests/performance/bench_planted.py [here|published|both [SEEDS]]

The published rules take a quarter of an hour, most of it for the 12,800 steps of `cross-modal-probe`.
"""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.adapters import published
from tests.adapters.planted import BIASED, NUISANCE, STRONG, Geometry, clip_task
from workbench.recipes import recipes

SHOTS = (1, 4, 16)
RULES: dict[str, Callable[..., published.Logits] | None] = {
    "zero-shot": published.zero_shot,
    "task-res": published.task_res,
    "clip-adapter": published.clip_adapter,
    "cross-modal-probe": published.cross_modal_probe,
    "tip-adapter-f": published.tip_adapter_f,
    "clap": published.clap,
    "prolip": published.prolip,
    "lp-plus-plus": published.lp_plus_plus,
    "tip-adapter": None,
    "linear-probe-text": None,
    "linear-probe": None,
    "gda": None,
    "nearest-class-mean": None,
    "knn": None,
}


def table(geometry: Geometry, seeds: Iterable[int], which: str) -> str:
    """One row a recipe: ours, and the published rule's where there is one."""
    head = " | ".join(f"{shots}" for _ in range(2) for shots in SHOTS)
    lines = [f"| recipe | rule | {head} | seconds |", "|---|---|" + "---|" * 7]
    for name, rule in RULES.items():
        rows = []
        if which != "published":
            rows.append(("here", fitted(name, geometry, seeds)))
        if rule and which != "here":
            rows.append(("published", by_rule(rule, geometry, seeds)))
        for label, (cells, seconds) in rows:
            shown = " | ".join(f"{100 * cell:.1f}" for cell in cells)
            lines.append(f"| `{name}` | {label} | {shown} | {seconds:.1f} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def tasks(geometry: Geometry, seeds: Iterable[int], shots: int, val: bool) -> list[tuple]:
    """The tasks of a column, each with its test images."""
    return [clip_task(shots, val_shots=val * min(shots, 4), seed=seed, geometry=geometry) for seed in seeds]


def fitted(name: str, geometry: Geometry, seeds: Iterable[int]) -> tuple[list[float], float]:
    """Mean accuracies of a recipe, without validation and then with it, and the time that all fits took."""
    factory = recipes.get(name)
    recipe = factory(factory.Config())
    cells, seconds = [], 0.0
    for val in (False, True):
        for shots in SHOTS:
            own = tasks(geometry, seeds, shots, val)
            began = time.perf_counter()
            predictors = recipe.fit_many([task for task, _ in own])
            seconds += time.perf_counter() - began
            cells.append(
                np.mean(
                    [
                        (p.scores(test.images).argmax(axis=1) == test.labels).mean()
                        for p, (_, test) in zip(predictors, own, strict=True)
                    ]
                )
            )
    return cells, seconds


def by_rule(
    rule: Callable[..., published.Logits], geometry: Geometry, seeds: Iterable[int]
) -> tuple[list[float], float]:
    """The same of a published rule."""
    cells, seconds = [], 0.0
    for val in (False, True):
        for shots in SHOTS:
            own = tasks(geometry, seeds, shots, val)
            began = time.perf_counter()
            cells.append(np.mean([published.accuracy(rule(task), test) for task, test in own]))
            seconds += time.perf_counter() - began
    return cells, seconds


def main(which: str = "both", seeds: str = "5") -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    for title, geometry in (("biased", BIASED), ("nuisance", NUISANCE), ("strong", STRONG)):
        print(f"\n{title}: {geometry}\n")
        print(table(geometry, range(int(seeds)), which))


if __name__ == "__main__":
    main(*sys.argv[1:])
