"""What a metric's name says about it: which way is better, and how its interval is formed."""

_LOWER_IS_BETTER = (
    "nll", "brier", "ece", "median_rank", "cmmd", "cmmd_unbiased", "_seconds", "_bytes", "trainable_parameters",
)  # fmt: skip
_BIASED_UNDER_RESAMPLING = (
    "balanced_accuracy", "macro_f1", "micro_f1", "auroc", "average_precision", "ece",
    "seen_accuracy", "unseen_accuracy", "harmonic_accuracy",
)  # fmt: skip


def base_name(metric: str) -> str:
    """The metric without the label or kind it is for: `auroc/oedema` is `auroc`."""
    return metric.partition("/")[0]


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of `metric` is the better one."""
    return not base_name(metric).endswith(_LOWER_IS_BETTER)


def is_biased_under_resampling(metric: str) -> bool:
    """Whether replicates of `metric` scatter around something else than its value; see `estimate`."""
    return base_name(metric) in _BIASED_UNDER_RESAMPLING


def primary_metric(task: str, *, multi_label: bool = False) -> str:
    """The metric that ranks runs of a task where the dataset's card does not say."""
    if task == "retrieval":
        return "text_to_image_recall_at_1"
    if task == "captioning":
        return "cider"
    return "auroc" if multi_label else "accuracy"
