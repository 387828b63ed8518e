"""How many labels a choice of images saves, and how many planted wrong labels are found: the tables of docs/labels.md.

    workbench embed DATASET --model offline-lite --to DATASET.parquet
    python tests/calibration/bench_labels.py DATASET.parquet

A linear probe starts from a few labelled images of training and validation drawn at random, and 50 more at a time are
labelled, eight times; prints test accuracy by labels, the mean over seeds. Then labels of training and validation are
replaced by wrong ones. Asserts nothing.
"""

import sys

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

from workbench.arrays import normalise
from workbench.labelling.selection import SELECTIONS, select, uncertainty
from workbench.labelling.suspects import out_of_fold
from workbench.metrics.functional import suspects_by_noise_rate

SEEDS, STEP, STEPS = 5, 50, 8


def read(path):
    """Features, class codes, groups, and which images are for training."""
    table = pq.read_table(path)
    features = normalise(np.stack([np.asarray(row, np.float32) for row in table["pooled"].to_pylist()]))
    _, codes = np.unique([labels[0] for labels in table["labels"].to_pylist()], return_inverse=True)
    groups = np.array([group or str(i) for i, group in enumerate(table["group"].to_pylist())])
    return features, codes, groups, np.array(table["split"].to_pylist()) != "test"


def accuracies(features, codes, train, by, first, seed):
    """Test accuracy after each step."""
    rng, found = np.random.default_rng(seed), []
    pool = rng.permutation(np.flatnonzero(train))[:3000]
    labelled, test = pool[:first], np.flatnonzero(~train)
    for step in range(STEPS + 1):
        probe = LogisticRegression(C=100, max_iter=300, tol=1e-3).fit(features[labelled], codes[labelled])
        found.append(probe.score(features[test], codes[test]))
        rest = np.setdiff1d(pool, labelled)
        if by == "random":
            new = rng.permutation(len(rest))[:STEP]
        else:
            unsure = uncertainty(probe.predict_proba(features[rest]))
            new = select(features[rest], unsure, STEP, by, labelled=features[labelled], seed=step)
        labelled = np.concatenate([labelled, rest[new]])
    return found


def needed(curve, labels, accuracy):
    """Labels at which a curve reaches an accuracy, by the line between two steps."""
    above = np.flatnonzero(curve >= accuracy)
    if not len(above):
        return np.inf
    i = above[0]
    return labels[0] if i == 0 else float(np.interp(accuracy, curve[i - 1 : i + 1], labels[i - 1 : i + 1]))


def main(path):
    features, codes, groups, train = read(path)
    first = 100 if codes.max() > 20 else 50
    labels = first + STEP * np.arange(STEPS + 1)
    print(path, "labels", labels.tolist())
    curves = {}
    for by in ("random", *SELECTIONS):
        curves[by] = np.mean([accuracies(features, codes, train, by, first, seed) for seed in range(SEEDS)], axis=0)
        print(f"{by:12}", *(f"{100 * value:5.1f}" for value in curves[by]), flush=True)
    goal = curves["random"][-1]
    for by, curve in curves.items():
        print(f"{by:12} {100 * goal:.1f} % at {needed(curve, labels, goal):.0f} labels")
    for share in (0.05, 0.15):
        print(f"{100 * share:.0f} % wrong:", planted(features[:3000], codes[:3000], groups[:3000], share), flush=True)


def planted(features, codes, groups, share):
    """Precision and recall of suspects where a share of labels was replaced by other ones."""
    rng = np.random.default_rng(0)
    _, codes = np.unique(codes, return_inverse=True)
    wrong = rng.random(len(codes)) < share
    given = np.where(wrong, (codes + rng.integers(1, codes.max() + 1, len(codes))) % (codes.max() + 1), codes)
    chances, judged = out_of_fold(features, given, groups)
    found = np.flatnonzero(judged)[suspects_by_noise_rate(chances[judged], given[judged])]
    return f"{len(found)} suspects, precision {wrong[found].mean():.2f}, recall {wrong[found].sum() / wrong.sum():.2f}"


if __name__ == "__main__":
    main(sys.argv[1])
