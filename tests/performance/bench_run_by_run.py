"""A few-shot suite against its runs one by one, as the repositories of few-shot methods make them. Asserts nothing:

    python tests/performance/bench_run_by_run.py [IMAGES [SAMPLE]]

The suite is one command with an empty cache: all few-shot recipes at 1, 2, 4, 8 and 16 shots and three seeds, on made
photos in 20 classes, with a ViT-B-32 of random weights. A run by itself is a process that starts with an empty cache,
computes the features of the images that it needs, and fits; so many are drawn at random and timed, and the mean is
taken for all.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from subjects import environment, write_model, write_photos

RECIPES = (
    "zero-shot", "linear-probe", "knn", "nearest-class-mean", "tip-adapter", "tip-adapter-f", "gda", "clap",
    "linear-probe-text", "cross-modal-probe", "lp-plus-plus", "clip-adapter", "task-res",
)  # fmt: skip
SHOTS, SEEDS, CLASSES = (1, 2, 4, 8, 16), (0, 1, 2), 20


def seconds(root: Path, name: str, model: str, recipes: tuple[str, ...], shots: tuple, seeds: tuple) -> float:
    """Of one command with an empty cache."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "run", "--quiet", "--model", model]
    command += ["--dataset", str(root / "photos"), "--name", name]
    for option, values in (("--recipe", recipes), ("--shots", shots), ("--seed", seeds)):
        command += [word for value in values for word in (option, str(value))]
    variables = {"WORKBENCH_CACHE": str(root / f"cache-{name}"), "WORKBENCH_RUNS": str(root / f"runs-{name}")}
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment(**variables))
    return time.perf_counter() - began


def main(images: int = 1200, sample: int = 6) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_photos(root / "photos", images, CLASSES)
        (root / "photos" / "test").rename(root / "pictures")
        (root / "pictures").rename(root / "photos" / "all")
        for i, path in enumerate(sorted((root / "photos" / "all").glob("*/*.jpg"))):
            split = ("train", "test", "val")[i % 3]
            (root / "photos" / split / path.parent.name).mkdir(parents=True, exist_ok=True)
            path.rename(root / "photos" / split / path.parent.name / path.name)
        for empty in (root / "photos" / "all").iterdir():
            empty.rmdir()
        (root / "photos" / "all").rmdir()
        model = write_model(root / "model")
        whole = seconds(root, "whole", model, RECIPES, SHOTS, SEEDS)
        every = [(recipe, count, seed) for recipe in RECIPES[1:] for count in SHOTS for seed in SEEDS]
        drawn = random.Random(0).sample(every, sample)
        one = [
            seconds(root, f"one-{i}", model, (recipe,), (count,), (seed,))
            for i, (recipe, count, seed) in enumerate(drawn)
        ]
        mean = sum(one) / len(one)
        print(
            f"{len(every)} runs: one command {whole:.0f} s; run by run {mean:.1f} s each (mean of {sample}), "
            f"{mean * len(every):.0f} s in all: {mean * len(every) / whole:.0f} x"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
