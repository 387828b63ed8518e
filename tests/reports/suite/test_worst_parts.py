"""Where the best recipe does worst is said with the verdict, as the runs measured it."""

import numpy as np
import pytest

from tests.runs.comparisons.conftest import Suite
from workbench.metrics.registry import metric_named
from workbench.reports.suite import suite_text
from workbench.reports.suite.decisions import decision_blocks
from workbench.reports.suite.verdict import verdict
from workbench.reports.suite.verdict_words import in_words
from workbench.reports.suite.worst_parts import worst_domain, worst_subgroups
from workbench.tasks.classification.predictions import ClassPredictions

DOMAINS = {
    "domain_accuracy": 0.7, "domain_accuracy/clinic": 0.9, "domain_accuracy/ward_ci_low": 0.0,
    "domain_accuracy/ward": 0.5, "domain_accuracy/away": float("nan"), "worst_domain_accuracy": 0.5,
    "worst_domain_accuracy_ci_low": 0.4, "worst_domain_accuracy_ci_high": 0.6,
}  # fmt: skip
SUBGROUPS = {
    "subgroup_accuracy/sex F": 0.6, "subgroup_accuracy/sex M": 0.8, "subgroup_accuracy/age band 60+": 0.75,
    "subgroup_accuracy/age band under 60": 0.74, "subgroup_accuracy/age 1": 0.9, "subgroup_accuracy/age 2": 0.91,
    "worst_subgroup_accuracy/sex": 0.6, "worst_subgroup_accuracy/sex_ci_low": 0.5,
    "worst_subgroup_accuracy/sex_ci_high": 0.7, "worst_subgroup_accuracy/age band": 0.74,
    "worst_subgroup_accuracy/age": 0.9, "p_subgroup_accuracy/sex": 0.012, "p_subgroup_accuracy/age band": 0.8,
}  # fmt: skip


def compared(*metrics):
    """A suite whose better recipe has these metrics, a seed each."""
    suite = Suite()
    for seed, found in enumerate(metrics):
        run_id = suite.write("probe", signal=3.0, seed=seed, shots="4")
        next(run for run in suite.runs if run.run_id == run_id).metrics.update(found)
        suite.write("knn", signal=1.0, seed=seed, shots="4")
    return suite.comparison()


def said(*metrics):
    return in_words(verdict(compared(*metrics), "trees"))


def test_the_worst_domain_is_named_with_the_interval_of_the_worst_of_several():
    expected = (
        "Of 2 domains probe does worst in ward: 50.0 % accuracy (95 % interval of the worst: [40.0, 60.0]); "
        "the mean of all is 70.0 %."
    )
    assert expected in said(DOMAINS)


def test_of_several_seeds_it_is_the_domain_whose_mean_is_worst():
    other = {"domain_accuracy": 0.6, "domain_accuracy/clinic": 0.4, "domain_accuracy/ward": 0.6,
             "worst_domain_accuracy": 0.4}  # fmt: skip
    expected = (
        "Of 2 domains probe does worst in ward: 55.0 % accuracy (the worst of each seed: [40.0, 50.0]); "
        "the mean of all is 65.0 %."
    )
    assert expected in said(DOMAINS, other)


def test_the_worst_subgroup_of_each_column_is_named_with_its_test():
    by = {sentence.split(" probe ")[0]: sentence for sentence in said(SUBGROUPS) if sentence.startswith("By ")}
    assert by.keys() == {"By sex", "By age band", "By age"}
    assert "worst for F: 60.0 % accuracy (95 % interval of the worst: [50.0, 70.0]);" in by["By sex"]
    assert "subgroups differ (p = 0.012, corrected over the tests of this run)" in by["By sex"]
    assert "worst for under 60: 74.0 %" in by["By age band"]
    assert "no evidence that subgroups differ (p = 0.8" in by["By age band"]
    assert "worst for 1: 90.0 %" in by["By age"], "age band is another column"
    assert "whether subgroups differ was not tested" in by["By age"]


def test_tests_of_several_seeds_are_counted():
    other = SUBGROUPS | {"p_subgroup_accuracy/sex": 0.2}
    (sex,) = (sentence for sentence in said(SUBGROUPS, other) if sentence.startswith("By sex"))
    assert "shows that subgroups differ with 1 of 2 seeds" in sex


def test_subgroups_that_names_do_not_tell_apart_are_not_named():
    # Column `age band` has one value in test, and so no worst one.
    metrics = {"subgroup_accuracy/age 1": 0.9, "subgroup_accuracy/age 2": 0.8, "subgroup_accuracy/age band 60+": 0.7,
               "worst_subgroup_accuracy/age": 0.8}  # fmt: skip
    assert not any(sentence.startswith("By ") for sentence in said(metrics))


@pytest.mark.parametrize("metrics", [{}, {"domain_accuracy/clinic": 0.9, "worst_domain_accuracy": 0.9}])
def test_nothing_is_said_of_fewer_than_two_domains(metrics):
    assert not any("worst" in sentence for sentence in said(metrics))


def test_less_is_better_of_some_metrics():
    comparison = compared({"nll": 1.0, "domain_nll": 1.0, "domain_nll/clinic": 0.4, "domain_nll/ward": 1.6})
    (sentence,) = worst_domain(verdict(comparison, "trees").best, "nll")
    assert "does worst in ward: 1.6" in sentence


def test_of_several_labels_the_subgroups_of_a_run_are_named_and_not_its_labels():
    rng = np.random.default_rng(0)
    labels, sexes = rng.integers(0, 2, (240, 3)), np.tile(["F", "M"], 120)
    scores = rng.normal(size=(240, 3)) + labels * np.where(sexes == "F", 0.4, 2.0)[:, None]
    ids, names = [f"i{i}" for i in range(240)], ("effusion", "oedema", "mass")
    predictions = ClassPredictions(
        ids, [None] * 240, labels, scores.astype(np.float32), names, subgroups={"sex": sexes.tolist()}
    )
    asked = [metric_named(name) for name in ("auroc", "subgroup_auroc", "worst_subgroup_auroc")]
    measured = {name: estimate.value for name, estimate in predictions.estimates(asked).items()}
    assert any("/sex F/" in name for name in measured), "each label has a value in each subgroup"
    suite = Suite()
    suite.add(predictions, "probe", dataset="trees", metrics=measured, primary="auroc", shots="4")
    (sentence,) = worst_subgroups(verdict(suite.comparison(), "trees").best, "auroc")
    assert sentence.startswith("By sex probe does worst for F: ")
    assert f"{100 * measured['subgroup_auroc/sex F']:.1f} % auroc" in sentence


def test_the_report_has_the_same_sentence_and_a_table_of_domains():
    comparison = compared(DOMAINS)
    assert "worst in ward" in suite_text(comparison, width=200)
    titles = [getattr(block, "title", "") for block in decision_blocks(comparison, "trees", "m")]
    assert "Domains" in titles
