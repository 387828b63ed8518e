"""Metrics of classes and labels, and of a run with their bootstrap intervals."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics.class_scores import ClassScores, LabelScores, stacked_scores
from workbench.metrics.domains import MEAN, domain_metrics, numbered_domains
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.keys import metric_keys
from workbench.metrics.metric import Metric, Weighted, mean_of, proportion, share


def _top5(scores: ClassScores) -> Weighted | None:
    return mean_of(F.in_top_k(scores.logits, scores.labels, 5)) if scores.n_classes > 5 else None


def _balanced_accuracy(scores: ClassScores) -> Weighted:
    sizes = scores.class_sizes
    part = 1.0 / (np.count_nonzero(sizes) * sizes[scores.labels])
    return Weighted(
        lambda weights: F.balanced_accuracy(*scores.class_counts(weights)[:2]),
        fixed_sums=np.where(scores.hits, part, 0.0),
        boundary=scores.class_boundary,
    )


def _macro_f1(scores: ClassScores | LabelScores) -> Weighted:
    return Weighted(lambda weights: F.macro_f1(*scores.class_counts(weights)), boundary=scores.class_boundary)


def _micro_f1(scores: LabelScores) -> Weighted:
    return Weighted(lambda weights: F.micro_f1(*scores.class_counts(weights)))


def _ece(scores: ClassScores | LabelScores) -> Weighted:
    return Weighted(lambda weights: F.calibration_error(*scores.bins(weights)))


def _auroc(scores: ClassScores | LabelScores) -> Weighted:
    return _ranked(scores, 0)


def _average_precision(scores: ClassScores | LabelScores) -> Weighted:
    return _ranked(scores, 1)


def _ranked(scores: ClassScores | LabelScores, which: int) -> Weighted:
    """AUROC (0) or average precision (1); with several labels, of each by itself, too."""
    ranked, boundary = scores.ranked, getattr(scores, "class_boundary", None)
    if scores.ranking.macro:
        return Weighted(
            lambda weights: ranked(weights)[which],
            boundary=boundary,
            influence=lambda _part: scores.ranking.influence(which),
        )
    return Weighted(
        lambda weights: F.mean_of_defined(ranked(weights)[which]),
        boundary=boundary,
        influence=lambda part: scores.ranking.influence(which, part),
        parts=lambda weights: ranked(weights)[which],
    )


def _recall_of(scores: ClassScores, cls: int) -> Weighted | None:
    """Share of a class's items that are recognised; of two classes."""
    size = int(scores.class_sizes[cls]) if scores.n_classes == 2 else 0
    if not size:
        return None
    return Weighted(
        lambda weights: F.ratio(*(part[:, cls] for part in scores.class_counts(weights)[:2])),
        fixed_sums=np.where(scores.hits & (scores.labels == cls), 1.0 / size, 0.0),
        boundary=float(size),
    )


def _sensitivity(scores: ClassScores) -> Weighted | None:
    return _recall_of(scores, scores.positive)


def _specificity(scores: ClassScores) -> Weighted | None:
    return _recall_of(scores, 1 - scores.positive)


def _class_recall(scores: ClassScores | LabelScores) -> Weighted:
    return _of_each_class(scores, 1)


def _class_precision(scores: ClassScores | LabelScores) -> Weighted:
    return _of_each_class(scores, 2)


def _of_each_class(scores: ClassScores | LabelScores, among: int) -> Weighted:
    """Hits of each class among the items that are of it (1), or that are taken for it (2)."""
    sizes = scores.class_counts(F.ones(len(scores.logits)))[among][0]

    def parts(weights: FloatArray) -> F.Values:
        counts = scores.class_counts(weights)
        return F.ratio(counts[0], counts[among])

    return Weighted(parts=parts, part_boundaries=np.maximum(sizes, 1).tolist())


def _mcc(scores: ClassScores) -> Weighted:
    return Weighted(lambda weights: F.matthews_correlation(*scores.class_counts(weights)))


def _quadratic_kappa(scores: ClassScores) -> Weighted:
    true, predicted = scores.labels.astype(np.float64), scores.predicted.astype(np.float64)
    table = np.column_stack([(true - predicted) ** 2, true, predicted, true**2, predicted**2])
    return Weighted(lambda weights: F.quadratic_kappa(*F.weighted_means(table, weights).T))


_OF_CLASSES = ("labels", "predicted", "class_counts")
_AVERAGED = {"biased_under_resampling": True}
_CORRELATION: dict[str, Any] = {"bounds": (-1.0, 1.0), "from_counts": True, "biased_under_resampling": True}

ACCURACY = proportion("accuracy", lambda scores: mean_of(scores.hits), ["hits"])
TOP5_ACCURACY = proportion("top5_accuracy", _top5, ["logits", "labels"])
BALANCED_ACCURACY = proportion("balanced_accuracy", _balanced_accuracy, [*_OF_CLASSES, "class_sizes"], **_AVERAGED)
MACRO_F1 = share("macro_f1", _macro_f1, ["class_counts", "class_boundary"], from_counts=True, **_AVERAGED)
MICRO_F1 = share("micro_f1", _micro_f1, ["decisions", "class_counts"], from_counts=True, **_AVERAGED)
AUROC = share("auroc", _auroc, ["ranking", "ranked"], **_AVERAGED)
AVERAGE_PRECISION = share("average_precision", _average_precision, ["ranking", "ranked"], **_AVERAGED)
NLL = Metric(
    name="nll", of=lambda scores: mean_of(scores.nll_terms), needs=("nll_terms",),
    higher_is_better=False, bounds=(0.0, np.inf), unit="nats",
)  # fmt: skip
BRIER = share("brier", lambda scores: mean_of(scores.brier_terms), ["brier_terms"], higher_is_better=False)
ECE = share("ece", _ece, ["bins"], higher_is_better=False, **_AVERAGED)
SENSITIVITY = proportion("sensitivity", _sensitivity, [*_OF_CLASSES, "positive"])
SPECIFICITY = proportion("specificity", _specificity, [*_OF_CLASSES, "positive"])
MCC = Metric(name="mcc", of=_mcc, needs=_OF_CLASSES, **_CORRELATION)
QUADRATIC_KAPPA = Metric(
    name="quadratic_kappa", of=_quadratic_kappa, needs=_OF_CLASSES, only_on_request=True, **_CORRELATION
)  # fmt: skip

METRICS: tuple[Metric, ...] = (
    ACCURACY, TOP5_ACCURACY, BALANCED_ACCURACY, MACRO_F1, MICRO_F1, AUROC, AVERAGE_PRECISION, NLL, BRIER, ECE,
    SENSITIVITY, SPECIFICITY, MCC, QUADRATIC_KAPPA,
)  # fmt: skip
CLASS_METRICS: tuple[Metric, ...] = (
    proportion("class_recall", _class_recall, ["logits", "class_counts"], only_on_request=True),
    proportion("class_precision", _class_precision, ["logits", "class_counts"], only_on_request=True),
)
DOMAIN_METRICS: tuple[Metric, ...] = tuple(each for metric in METRICS for each in domain_metrics(metric))


def classification_metrics(
    scores: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    multi_label: bool = False,
    label_names: Sequence[str] | None = None,
    metrics: Collection[Metric] | None = None,
    positive: int = 1,
    unseen: Sequence[int] | AnyArray = (),
    domains: Sequence[str | None] | None = None,
    source_domains: Collection[str] = (),
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Classification metrics of a run, each with its 95 % bootstrap interval.

    Single label: `accuracy`, `top5_accuracy` (from six classes on), `balanced_accuracy` (mean recall over the classes
    that occur in the test labels), `macro_f1` (mean over the classes that occur in labels or predictions), `auroc` and
    `average_precision` (one class against the rest, mean over the classes that occur), `nll` (nats), `brier` (0..1),
    `ece` (debiased, on the top class's probability), `mcc` (Matthews' correlation coefficient, for any number of
    classes), with two classes `sensitivity` and `specificity`, and on request `quadratic_kappa` (Cohen's kappa of
    ordered classes). All are functions of the softmax probabilities: a constant added to the logits of an image changes
    none.

    Multi-label: `accuracy` (every known label of the item right), `macro_f1`, `micro_f1` (a label is predicted from
    probability 0.5 on), `auroc`, `average_precision`, `brier` and `nll` (means over labels), `ece` (debiased, over all
    decisions), and for each label that has positives and negatives `auroc/NAME` and `average_precision/NAME`.

    A metric that the data leave undefined is absent: AUROC and average precision where no class has both positive and
    negative items. Of equal scores the lower class index is the prediction.

    Args:
        scores: Logits (n, c), or (s, n, c) for s seeds on the same items: values are means over seeds, and intervals
            come from resampling seeds and items together.
        labels: int64 (n,); bool (n, c) where multi-label, or floating with NaN where it is not known whether an item
            has a label, which then counts in no metric.
        groups: Group of each item, (n,); whole groups are resampled.
        multi_label: Several labels per item: sigmoid instead of softmax.
        label_names: Names for the per-label metrics, changed where a run record does not take them (see
            `metric_keys`); indices if None.
        metrics: None for all above but those that are computed on request.
        positive: Of two classes the one that `sensitivity` is about.
        unseen: Classes without training images, for the metrics that set them apart.
        domains: (n,) domain of each item, None for none, for `domain_metrics`.
        source_domains: The domains that training images are of, for the gap to the others.
        replicates: Number of bootstrap resamples.
        seed: Seeds them; the same seed resamples the same items in every run on a test set.

    Raises:
        DataError: Scores hold NaN or infinity, or shapes and labels do not fit; the message names which.
    """
    resampler = Resampler(len(labels), groups, replicates=replicates, seed=seed)
    chosen = [metric for metric in METRICS if not metric.only_on_request] if metrics is None else metrics
    runs: list[LabelScores] | list[ClassScores]
    names, codes = numbered_domains(domains)
    sources = [i for i, name in enumerate(names) if name in source_domains]
    if multi_label:
        runs = [LabelScores(run, labels, domains=codes, sources=sources) for run in stacked_scores(scores)]
    else:
        runs = [
            ClassScores(run, labels, unseen=unseen, positive=positive, domains=codes, sources=sources)
            for run in stacked_scores(scores)
        ]
    metric_estimates = estimates([Evaluator(chosen, run) for run in runs], resampler)
    keys = None if label_names is None else metric_keys(label_names)
    fixed = {metric.name: metric.part_names for metric in chosen if metric.part_names}
    return {_named(name, fixed, keys, metric_keys(names)): estimate for name, estimate in metric_estimates.items()}


def _named(
    metric: str, fixed: Mapping[str, Sequence[str]], labels: Sequence[str] | None, domains: Sequence[str]
) -> str:  # fmt: skip
    """A metric of a label, a domain or another part by its name in place of its number."""
    base, _, index = metric.partition("/")
    keys = fixed.get(base) or (domains if base.startswith(MEAN) else labels)
    return f"{base}/{keys[int(index)]}" if index and keys is not None else metric
