"""The part of a report on decisions: operating points, groups, domains, subgroups, calibration and sets of classes."""

from math import nan

from workbench.metrics import classification, prediction_sets
from workbench.metrics.formatting import format_interval, format_value, heading
from workbench.reports.suite.blocks import Block, Paragraph, TableBlock, TextCell
from workbench.runs.comparisons import SuiteComparison
from workbench.runs.planning import NO_MODEL

_TABLES = {
    "Positive against negative": (
        "positive_auroc", "sensitivity_at", "specificity_at", "ppv_at", "npv_at", "ppv_at_prevalence",
        "npv_at_prevalence", "sensitivity_at_specificity",
    ),
    "Groups in place of images": (
        "group_accuracy", "group_positive_auroc", "group_sensitivity_at", "group_specificity_at", "group_ppv_at",
        "group_npv_at",
    ),
    "Observations in place of images": (
        "observation_accuracy", "observation_balanced_accuracy", "observation_macro_f1", "observation_rank_accuracy",
        "observation_positive_auroc", "observation_sensitivity_at", "observation_specificity_at",
    ),
    "Classes that occur in the region": (
        "regional_accuracy", "regional_top5_accuracy", "regional_balanced_accuracy", "regional_macro_f1",
        "regional_rank_accuracy", "regional_hierarchical_distance", "checklist_coverage",
    ),
    "Domains": tuple(metric.name for metric in (*classification.DOMAIN_METRICS, *prediction_sets.DOMAIN_METRICS)),
    "Subgroups": (
        "subgroup_accuracy", "worst_subgroup_accuracy", "gap_subgroup_accuracy", "p_subgroup_accuracy",
        "subgroup_sensitivity_at", "p_subgroup_sensitivity_at", "subgroup_specificity_at", "p_subgroup_specificity_at",
    ),
    "Calibration and refusal": (
        "ece", "uncalibrated_ece", "nll", "uncalibrated_nll", "set_coverage", "set_size", "aurc", "selective_accuracy",
    ),
    "Known or unknown": (
        "unknown_auroc", "unknown_fpr95", "known_accepted", "unknown_refused", "open_set_accuracy",
    ),
    "Ranks": (
        "rank_accuracy", "hierarchical_distance", "mistake_severity", "backoff_coverage", "backoff_accuracy",
        "backoff_information",
    ),
    "Classes": ("class_recall", "class_precision", "frequency_accuracy"),
}  # fmt: skip
_ALWAYS = {"ece", "nll"}


def decision_blocks(comparison: SuiteComparison, dataset: str, model: str) -> list[Block]:
    """A folded table of each kind that the runs of a dataset and model have; a row a metric, a column a run.

    Of several seeds the first one's values are shown, with its own interval.
    """
    entries = [
        entry for entry in comparison.results if entry.run.dataset == dataset and entry.run.model in (model, NO_MODEL)
    ]
    runs = {f"{entry.group.label}, {entry.run.shots} shots": entry.run for entry in entries}
    blocks: list[Block] = []
    for title, bases in _TABLES.items():
        names = [
            name
            for base in bases
            for name in dict.fromkeys(name for run in runs.values() for name in run.metrics)
            if name.partition("/")[0] == base and not name.endswith(("_ci_low", "_ci_high"))
        ]
        if all(name in _ALWAYS for name in names):
            continue
        rows = tuple((TextCell(heading(name)), *(_cell(run.metrics, name) for run in runs.values())) for name in names)
        blocks.append(TableBlock(("", *runs), rows, title=title))
    if blocks:
        blocks.insert(
            0,
            Paragraph(
                "Values of the first seed with their 95 % intervals. Operating points, calibration, joining and sets "
                "were chosen on validation images; p-values of subgroups are Holm-corrected over the run."
            ),
        )
    return blocks


def _cell(metrics: dict[str, float], name: str) -> TextCell:
    if name not in metrics:
        return TextCell("")
    ends = format_interval(name, metrics.get(f"{name}_ci_low", nan), metrics.get(f"{name}_ci_high", nan))
    return TextCell(f"{format_value(name, metrics[name])} {ends}".strip())
