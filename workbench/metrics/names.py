"""What a metric's name says about it: which way is better, and how its interval is formed."""

_LOWER_IS_BETTER = (
    "nll", "brier", "ece", "median_rank", "cmmd", "cmmd_unbiased", "_seconds", "_bytes", "trainable_parameters",
)  # fmt: skip
_BIASED_UNDER_RESAMPLING = (
    "balanced_accuracy", "macro_f1", "micro_f1", "auroc", "average_precision", "ece",
    "seen_accuracy", "unseen_accuracy", "harmonic_accuracy",
)  # fmt: skip
_PROPORTIONS = (
    "accuracy", "recall_at_1", "recall_at_5", "recall_at_10", "text_score", "image_score", "group_score",
)  # fmt: skip
_NO_PROPORTIONS = ("harmonic_accuracy",)
_FROM_COUNTS = ("macro_f1", "micro_f1", "harmonic_accuracy")
_OTHER_SHARES = ("brier", "map", "ndcg", "rouge_l", "bleu_1", "bleu_4")


def base_name(metric: str) -> str:
    """The metric without the label or kind it is for: `auroc/oedema` is `auroc`."""
    return metric.partition("/")[0]


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of `metric` is the better one."""
    return not base_name(metric).endswith(_LOWER_IS_BETTER)


def is_biased_under_resampling(metric: str) -> bool:
    """Whether replicates of `metric` scatter around something else than its value; see `estimate`."""
    return base_name(metric) in _BIASED_UNDER_RESAMPLING


def is_proportion(metric: str) -> bool:
    """Whether `metric` is a mean, weighted or not, of hits and misses."""
    name = base_name(metric)
    return name.endswith(_PROPORTIONS) and name not in _NO_PROPORTIONS


def is_share(metric: str) -> bool:
    """Whether `metric` lies in 0..1."""
    name = base_name(metric)
    return is_proportion(metric) or name in _BIASED_UNDER_RESAMPLING or name.endswith(_OTHER_SHARES)


def is_from_counts(metric: str) -> bool:
    """Whether `metric` is a function of counts of hits and misses, blind to how far a score is from another."""
    return is_proportion(metric) or base_name(metric) in _FROM_COUNTS


def metrics_of(task: str, *, multi_label: bool = False, unseen: bool = False, form: str = "choice") -> tuple[str, ...]:
    """Names of what is measured on the test items of a task; the first ranks runs where the card does not say.

    Args:
        task: As in a dataset card.
        multi_label: Classification with several labels per image.
        unseen: Classification with classes that only test has.
        form: Of matching: `choice`, `statement` or `pairs`.
    """
    if task == "retrieval":
        return tuple(
            f"{direction}_{measure}"
            for direction in ("text_to_image", "image_to_text")
            for measure in ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank", "map", "ndcg")
        )
    if task == "captioning":
        return ("cider", "bleu_1", "bleu_4", "rouge_l", "clip_score", "ref_clip_score")
    if task == "grounding":
        return ("accuracy",)
    if task == "matching":
        return {
            "choice": ("accuracy",),
            "statement": ("accuracy", "auroc", "average_precision"),
            "pairs": ("group_score", "text_score", "image_score"),
        }[form]
    if multi_label:
        return ("auroc", "average_precision", "macro_f1", "micro_f1", "accuracy", "brier", "nll", "ece")
    split = ("seen_accuracy", "unseen_accuracy", "harmonic_accuracy") if unseen else ()
    return (
        "accuracy", "top5_accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision", "nll", "brier",
        "ece", *split,
    )  # fmt: skip


def primary_metric(task: str, *, multi_label: bool = False) -> str:
    """The metric that ranks runs of a task where neither the dataset's card nor the run says."""
    return metrics_of(task, multi_label=multi_label)[0]
