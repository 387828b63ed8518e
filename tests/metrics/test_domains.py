"""Metrics in domains are those of each domain's items by themselves, and the worst of them is the worst."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score

from workbench.metrics import classification_metrics, softmax
from workbench.metrics.classification import DOMAIN_METRICS
from workbench.metrics.domains import numbered_domains, ranked_metric

NAMES = ("oak", "ash", "elm")
BY_NAME = {metric.name: metric for metric in DOMAIN_METRICS}


def planted(n=240, seed=0, hard=1.0):
    """Scores (n, 3), labels, and domains: three sites, one of them harder, and items of none."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    domains = rng.choice(["north", "south", "west", ""], n, p=[0.5, 0.3, 0.15, 0.05])
    signal = np.where(domains == "west", 0.4, 1.5 * hard)
    scores = rng.normal(size=(n, 3)) + signal[:, None] * np.eye(3)[labels]
    return scores, labels, [name or None for name in domains]


def estimates(scores, labels, domains, *names, **options):
    return classification_metrics(
        scores, labels, domains=domains, metrics=[BY_NAME[name] for name in names], replicates=200, **options
    )


@pytest.mark.parametrize(
    ("base", "reference"),
    [
        ("accuracy", lambda y, s: accuracy_score(y, s.argmax(axis=1))),
        ("balanced_accuracy", lambda y, s: balanced_accuracy_score(y, s.argmax(axis=1))),
        ("nll", lambda y, s: log_loss(y, softmax(s))),
        ("auroc", lambda y, s: roc_auc_score(y, softmax(s), multi_class="ovr")),
    ],
)
def test_each_domain_is_measured_as_scikit_learn_measures_its_items(base, reference):
    scores, labels, domains = planted()
    found = estimates(scores, labels, domains, f"domain_{base}", f"worst_domain_{base}")
    expected = {}
    for name in ("north", "south", "west"):
        inside = np.array([domain == name for domain in domains])
        expected[name] = reference(labels[inside], scores[inside])
        assert found[f"domain_{base}/{name}"].value == pytest.approx(expected[name], abs=1e-9)
    assert found[f"domain_{base}"].value == pytest.approx(np.mean(list(expected.values())), abs=1e-9)
    worst = max(expected.values()) if base == "nll" else min(expected.values())
    assert found[f"worst_domain_{base}"].value == pytest.approx(worst, abs=1e-9)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in found.values())


def test_several_labels():
    rng = np.random.default_rng(1)
    labels = rng.random((200, 3)) < 0.4
    scores = rng.normal(size=(200, 3)) + 1.2 * labels
    domains = ["a"] * 120 + ["b"] * 80
    found = estimates(scores, labels, domains, "domain_auroc", multi_label=True, label_names=NAMES)
    for name, part in (("a", slice(120)), ("b", slice(120, None))):
        expected = roc_auc_score(labels[part], scores[part], average="macro")
        assert found[f"domain_auroc/{name}"].value == pytest.approx(expected, abs=1e-9)


def test_a_domain_in_which_a_metric_is_undefined_does_not_count():
    scores, labels, domains = planted()
    labels = np.where([domain == "west" for domain in domains], 0, labels)
    found = estimates(scores, labels, domains, "domain_auroc", "worst_domain_auroc")
    assert "domain_auroc/west" not in found
    others = [found[f"domain_auroc/{name}"].value for name in ("north", "south")]
    assert found["domain_auroc"].value == pytest.approx(np.mean(others))
    assert found["worst_domain_auroc"].value == pytest.approx(min(others))


def test_the_gap_is_between_the_domains_of_training_and_the_others():
    scores, labels, domains = planted()
    sources = ["north", "south", "a domain without test images"]
    found = estimates(scores, labels, domains, "domain_accuracy", "gap_domain_accuracy", source_domains=sources)
    north, south, west = (found[f"domain_accuracy/{name}"].value for name in ("north", "south", "west"))
    gap = found["gap_domain_accuracy"]
    assert gap.value == pytest.approx((north + south) / 2 - west, abs=1e-9)
    assert gap.low < gap.value < gap.high
    for known in ([], ["north", "south", "west"]):
        assert "gap_domain_accuracy" not in estimates(
            scores, labels, domains, "gap_domain_accuracy", source_domains=known
        )
    assert not BY_NAME["gap_domain_accuracy"].higher_is_better
    assert BY_NAME["gap_domain_accuracy"].bounds == (-1, 1)
    assert ranked_metric("gap_domain_accuracy") == ranked_metric("worst_domain_accuracy") == "accuracy"


def test_without_domains_there_are_no_such_metrics():
    scores, labels, _ = planted()
    assert estimates(scores, labels, None, "domain_accuracy", "worst_domain_accuracy") == {}
    assert estimates(scores, labels, [None] * len(labels), "domain_accuracy") == {}
    assert numbered_domains(["b", None, "a"])[1].tolist() == [1, -1, 0]


def test_intervals_of_a_domain_of_the_mean_over_domains_and_of_the_gap_cover():
    truth = {}
    sources = {"source_domains": ["north", "south"]}
    for name in ("domain_accuracy/west", "domain_accuracy", "gap_domain_accuracy"):
        large = planted(n=200_000, seed=99)
        truth[name] = estimates(*large, name.partition("/")[0], groups=None, **sources)[name].value
    covered = dict.fromkeys(truth, 0)
    for seed in range(200):
        found = estimates(*planted(n=300, seed=seed), "domain_accuracy", "gap_domain_accuracy", **sources)
        for name, value in truth.items():
            covered[name] += found[name].low <= value <= found[name].high
    for name, count in covered.items():
        assert 0.90 <= count / 200 <= 0.99, name


@pytest.mark.parametrize(
    ("truths", "least"), [((0.9, 0.8, 0.6), 0.94), ((0.7, 0.7, 0.7), 0.94), ((0.7,) * 8, 0.94), ((0.97, 0.95), 0.94)]
)
def test_intervals_of_the_worst_domain_cover_however_many_are_near_it(truths, least):
    """Of 40 images each; the worst estimate itself is too low where several domains are alike."""
    rng, covered, values = np.random.default_rng(0), 0, []
    domains = [f"d{place}" for place in range(len(truths)) for _ in range(40)]
    chance = np.repeat(truths, 40)
    for _ in range(150):
        hits = rng.random(len(chance)) < chance
        scores = np.stack([hits, ~hits], axis=1).astype(float)
        worst = estimates(scores, np.zeros(len(hits), np.int64), domains, "worst_domain_accuracy")[
            "worst_domain_accuracy"
        ]
        covered += worst.low <= min(truths) <= worst.high
        values.append(worst.value)
        assert worst.low <= worst.value <= worst.high
    assert covered / 150 >= least
    if len(set(truths)) == 1:
        assert np.mean(values) < min(truths) - 0.03


@pytest.mark.parametrize("truths", [(0.9, 0.8, 0.6), (0.7, 0.7, 0.7), (0.7,) * 8])
def test_intervals_of_the_spread_cover_though_equal_domains_differ_by_chance(truths):
    rng, covered = np.random.default_rng(1), 0
    domains = [f"d{place}" for place in range(len(truths)) for _ in range(40)]
    for _ in range(100):
        hits = rng.random(len(domains)) < np.repeat(truths, 40)
        scores = np.stack([hits, ~hits], axis=1).astype(float)
        found = estimates(scores, np.zeros(len(hits), np.int64), domains, "spread_domain_accuracy")
        spread = found["spread_domain_accuracy"]
        covered += spread.low - 1e-9 <= max(truths) - min(truths) <= spread.high
        assert spread.low <= spread.value <= spread.high
    assert covered / 100 >= 0.94


def test_the_interval_of_the_worst_is_made_of_those_of_the_domains():
    scores, labels, domains = planted()
    found = estimates(
        scores, labels, domains, "domain_accuracy", "worst_domain_accuracy", "worst_domain_nll", "domain_nll"
    )
    parts = [found[f"domain_accuracy/{name}"] for name in ("north", "south", "west")]
    worst = found["worst_domain_accuracy"]
    assert worst.low == pytest.approx(min(part.low for part in parts), abs=0.03)
    assert worst.high >= min(part.high for part in parts)
    assert found["worst_domain_nll"].high == pytest.approx(
        max(found[f"domain_nll/{name}"].high for name in ("north", "south", "west")), rel=0.1
    )
    assert not any("\0" in name for name in found)
