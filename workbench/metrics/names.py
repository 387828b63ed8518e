"""Which metrics belong to which task."""


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
