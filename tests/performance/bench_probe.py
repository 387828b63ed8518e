"""The penalties of a linear probe against a loop over scikit-learn's, at the same values of the objective.

    python tests/performance/bench_probe.py [IMAGES CLASSES WIDTH]

Features are planted with a spectrum that falls as those of CLIP do. Prints seconds of both and how far each stays from
the optimum at every penalty, and asserts nothing.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[2]))

from adapters._heads.convex import solve
from adapters._heads.objective import Problems
from workbench.arrays import normalise
from workbench.testing import one_hot

PENALTIES = tuple(10.0**e for e in range(0, -9, -1))


def features(images: int, classes: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit-norm features (n, d), centred, and labels (n,)."""
    rng = np.random.default_rng(0)
    labels = np.arange(images) % classes
    spectrum = (1 + np.arange(width)) ** -0.7
    x = rng.normal(size=(classes, width))[labels] + 1.6 * rng.normal(size=(images, width))
    x = normalise((x * spectrum).astype(np.float64)).astype(np.float64)
    return x - x.mean(axis=0), labels


def ours(x: np.ndarray, labels: np.ndarray, classes: int, tolerance: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases at every penalty."""
    weight = torch.full((1, 1, len(x)), 1 / len(x), dtype=torch.float64)
    target = torch.as_tensor(one_hot(labels, classes)).double()[None]
    problems = Problems(torch.as_tensor(x)[None], target, weight)
    found = solve(problems, torch.tensor([PENALTIES]).double(), tolerance=tolerance, iterations=5000)
    return [(found.weight[0, 0, k].numpy(), found.bias[0, 0, k].numpy()) for k in range(len(PENALTIES))]


def theirs(x: np.ndarray, labels: np.ndarray, tolerance: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same by scikit-learn's L-BFGS."""
    fits = [
        LogisticRegression(C=1 / (penalty * len(x)), tol=tolerance, max_iter=5000).fit(x, labels)
        for penalty in PENALTIES
    ]
    return [(fit.coef_, fit.intercept_) for fit in fits]


def main(images: int = 2640, classes: int = 81, width: int = 768) -> None:
    """Time both, in turn, at falling tolerances."""
    x, labels = features(images, classes, width)

    def objective(weight: np.ndarray, bias: np.ndarray, penalty: float) -> float:
        log_p = log_softmax(x @ weight.T + bias, axis=1)
        return float(-log_p[np.arange(len(x)), labels].mean() + penalty / 2 * (weight**2).sum())

    best = [objective(*own, penalty) for own, penalty in zip(ours(x, labels, classes, 1e-7), PENALTIES, strict=True)]

    def report(name: str, tolerance: float, fit) -> None:
        began = time.perf_counter()
        solutions = fit()
        seconds = time.perf_counter() - began
        gaps = [objective(*own, p) / least - 1 for own, p, least in zip(solutions, PENALTIES, best, strict=True)]
        print(f"{name:12} {tolerance:7.0e} {seconds:7.2f} s   {' '.join(f'{gap:8.1e}' for gap in gaps)}", flush=True)

    print(f"{'':30}relative distance from the optimum at penalties {PENALTIES[0]:g} to {PENALTIES[-1]:g}")
    for tolerance in (1e-3, 1e-4):
        report("workbench", tolerance, lambda tolerance=tolerance: ours(x, labels, classes, tolerance))
    for tolerance in (1e-4, 1e-5, 1e-6):
        report("scikit-learn", tolerance, lambda tolerance=tolerance: theirs(x, labels, tolerance))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
