"""Where the best recipe does worst is said with the verdict, as the runs measured it."""

import pytest

from tests.runs.comparisons.conftest import Suite
from workbench.reports.suite import suite_text
from workbench.reports.suite.decisions import decision_blocks
from workbench.reports.suite.verdict import verdict
from workbench.reports.suite.verdict_words import in_words
from workbench.reports.suite.worst_parts import worst_domain

DOMAINS = {
    "domain_accuracy": 0.7, "domain_accuracy/clinic": 0.9, "domain_accuracy/ward_ci_low": 0.0,
    "domain_accuracy/ward": 0.5, "domain_accuracy/away": float("nan"), "worst_domain_accuracy": 0.5,
    "worst_domain_accuracy_ci_low": 0.4, "worst_domain_accuracy_ci_high": 0.6,
}  # fmt: skip
SUBGROUPS = {
    "subgroup_accuracy/sex F": 0.6, "subgroup_accuracy/sex M": 0.8, "subgroup_accuracy/age band 60+": 0.75,
    "subgroup_accuracy/age band under 60": 0.74, "worst_subgroup_accuracy/sex": 0.6,
    "worst_subgroup_accuracy/sex_ci_low": 0.5, "worst_subgroup_accuracy/sex_ci_high": 0.7,
    "worst_subgroup_accuracy/age band": 0.74, "p_subgroup_accuracy/sex": 0.012, "p_subgroup_accuracy/age band": 0.8,
}  # fmt: skip


def compared(metrics, *, seeds=1):
    """A suite whose better recipe has these metrics with its first seed, and others with the next."""
    suite = Suite()
    for seed in range(seeds):
        run_id = suite.write("probe", signal=3.0, seed=seed, shots="4")
        (run,) = (run for run in suite.runs if run.run_id == run_id)
        run.metrics.update(metrics if seed == 0 else dict.fromkeys(metrics, 0.1))
        suite.write("knn", signal=1.0, seed=seed, shots="4")
    return suite.comparison()


def said(metrics, **options):
    return in_words(verdict(compared(metrics, **options), "trees"))


def test_the_worst_domain_is_named_with_the_interval_of_the_worst_of_several():
    expected = "Of its 2 domains it is worst in ward: 50.0 % [40.0, 60.0]; their mean is 70.0 %."
    assert expected in said(DOMAINS)


def test_the_worst_subgroup_of_each_column_is_named_with_its_test():
    sentences = said(SUBGROUPS)
    (sex,) = (sentence for sentence in sentences if sentence.startswith("By sex"))
    assert "worst for F: 60.0 % [50.0, 70.0]" in sex
    assert "subgroups differ (p = 0.012 after Holm correction)" in sex
    (age,) = (sentence for sentence in sentences if sentence.startswith("By age band"))
    assert "worst for under 60: 74.0 %" in age
    assert "no evidence that subgroups differ (p = 0.8" in age


def test_of_several_seeds_the_first_speaks_and_says_so():
    assert any(sentence.endswith("their mean is 70.0 % (seed 0).") for sentence in said(DOMAINS, seeds=2))


@pytest.mark.parametrize("metrics", [{}, {"domain_accuracy/clinic": 0.9, "worst_domain_accuracy": 0.9}])
def test_nothing_is_said_of_fewer_than_two_domains(metrics):
    assert not any("worst" in sentence for sentence in said(metrics))


def test_less_is_better_of_some_metrics():
    domains = {"domain_nll": 1.0, "domain_nll/clinic": 0.4, "domain_nll/ward": 1.6}
    comparison = compared({"nll": 1.0, **domains})
    found = verdict(comparison, "trees")
    (sentence,) = worst_domain(found.best, "nll")
    assert "worst in ward: 1.6" in sentence


def test_the_report_has_the_same_sentence_and_a_table_of_domains():
    comparison = compared(DOMAINS)
    assert "worst in ward" in suite_text(comparison, width=200)
    titles = [getattr(block, "title", "") for block in decision_blocks(comparison, "trees", "m")]
    assert "Domains" in titles
