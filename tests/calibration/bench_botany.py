"""How often intervals of docs/botany.md hold the truth.

Run it with `python tests/calibration/bench_botany.py`. Six species of four genera and three families; scores are
normal, higher for the true species and, by less, for its genus. Unknown images have no such species. With pairs two
images of a plant share half of their noise. The truth is the value on 400,000 images; thresholds are fixed, as those
from validation are. Prints shares over 1,000 simulated test sets, and asserts nothing.
"""

import numpy as np

from workbench.metrics import estimate_metrics, softmax
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.frequency import METRICS as FREQUENCY
from workbench.metrics.frequency import FrequencyHits
from workbench.metrics.functional import ones
from workbench.metrics.hierarchy import METRICS as RANKS
from workbench.metrics.hierarchy import HierarchicalAnswers, LikeliestTaxa, Taxonomy
from workbench.metrics.unknown import METRICS as UNKNOWN
from workbench.metrics.unknown import KnownOrNot, known_scores

REPEATS = 1000
GENUS = ("Quercus", "Quercus", "Quercus", "Fagus", "Abies", "Rosa")
FAMILY = ("Fagaceae", "Fagaceae", "Fagaceae", "Fagaceae", "Pinaceae", "Rosaceae")
TAXONOMY = Taxonomy("species", ("genus", "family"), (GENUS, FAMILY))
BANDS = ("head", "head", "middle", "middle", "tail", "tail")


def drawn(n: int, units: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (n, 6), species (n,), and whether each image is of a known one."""
    count = int(units.max()) + 1
    labels, known = rng.integers(0, 6, count)[units], (rng.random(count) < 0.7)[units]
    noise = np.sqrt(0.5) * (rng.normal(size=(count, 6))[units] + rng.normal(size=(n, 6)))
    near = np.array(GENUS)[labels][:, None] == np.array(GENUS)[None, :]
    return noise + (near + 1.2 * np.eye(6)[labels]) * known[:, None], labels, known


def subjects(scores: np.ndarray, labels: np.ndarray, known: np.ndarray) -> list[tuple[object, tuple, np.ndarray]]:
    """What metrics are computed from, the metrics, and the images that it is of."""
    inside, right = np.flatnonzero(known), (scores.argmax(axis=1) == labels) & known
    chances = softmax(scores[inside])
    taxa = LikeliestTaxa.of(TAXONOMY, chances, labels[inside])
    level = taxa.answered(0.6)
    answered = (level >= 0) & taxa.hits[np.arange(len(level)), level]
    information = np.where(answered, taxa.information[np.arange(len(level)), level], 0)
    distances = TAXONOMY.distances(scores[inside].argmax(axis=1), labels[inside])
    ranks = HierarchicalAnswers(taxa.hits[:, 1:], distances, level, answered, information)
    values = known_scores(scores, scores / 10)
    everything = KnownOrNot(known, values, values >= np.array([0.185, 0.4, 1.0, 2.3]), right)
    frequency = FrequencyHits(right[inside], labels[inside], BANDS)
    return [(ranks, RANKS, inside), (frequency, FREQUENCY, inside), (everything, UNKNOWN, np.arange(len(labels)))]


def coverage(n: int, pairs: bool) -> dict[str, float]:
    """Share of intervals that hold the truth."""
    rng = np.random.default_rng(1)
    truth: dict[str, float] = {}
    for subject, metrics, items in subjects(*drawn(400_000, np.arange(400_000), rng)):
        truth |= {name: float(value[0]) for name, value in Evaluator(metrics, subject)(ones(len(items))).items()}
    held = dict.fromkeys(truth, 0)
    units = np.arange(n) // 2 if pairs else np.arange(n)
    for _ in range(REPEATS):
        for subject, metrics, items in subjects(*drawn(n, units, rng)):
            groups = units[items] if pairs else None
            for name, own in estimate_metrics(metrics, subject, len(items), groups, replicates=300).items():
                held[name] += own.low <= truth[name] <= own.high
    return {name: count / REPEATS for name, count in held.items()}


if __name__ == "__main__":
    for n in (100, 400):
        for pairs in (False, True):
            print(n, "in pairs" if pairs else "alone", coverage(n, pairs), flush=True)
