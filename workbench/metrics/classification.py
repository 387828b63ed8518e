"""Classification metrics of a run with their bootstrap intervals."""

from collections.abc import Collection, Sequence

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite, check_labels, check_targets
from workbench.metrics.estimate import Estimate
from workbench.metrics.keys import metric_keys

_RANKED = ("auroc", "average_precision")
_CLASS_MEANS = ("balanced_accuracy", "macro_f1", *_RANKED)


def classification_metrics(
    scores: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    multi_label: bool = False,
    label_names: Sequence[str] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every classification metric of a run, each with its 95 % bootstrap interval.

    Single label: `accuracy`, `top5_accuracy` (from six classes on), `balanced_accuracy` (mean recall over the classes
    that occur in the test labels), `macro_f1` (mean over the classes that occur in labels or predictions), `auroc` and
    `average_precision` (one class against the rest, mean over the classes that occur), `nll` (nats), `brier` (0..1),
    `ece` (debiased, on the top class's probability). All are functions of the softmax probabilities: a constant added
    to the logits of an image changes none.

    Multi-label: `accuracy` (every label of the item right), `macro_f1`, `micro_f1` (a label is predicted from
    probability 0.5 on), `auroc`, `average_precision`, `brier` and `nll` (means over labels), `ece` (debiased, over all
    decisions), and for each label that has positives and negatives `auroc/NAME` and `average_precision/NAME`.

    A metric that the data leave undefined is absent: AUROC and average precision where no class has both positive and
    negative items. Of equal scores the lower class index is the prediction.

    Args:
        scores: Logits (n, c), or (s, n, c) for s seeds on the same items: values are means over seeds, and intervals
            come from resampling seeds and items together.
        labels: int64 (n,); bool (n, c) where multi-label.
        groups: Group of each item, (n,); whole groups are resampled.
        multi_label: Several labels per item: sigmoid instead of softmax.
        label_names: Names for the per-label metrics, changed where a run record does not take them (see
            `metric_keys`); indices if None.
        replicates: Number of bootstrap resamples.
        seed: Seeds them; the same seed resamples the same items in every run on a test set.

    Raises:
        DataError: Scores hold NaN or infinity, or shapes and labels do not fit; the message names which.
    """
    resampler = Resampler(len(labels), groups, replicates=replicates, seed=seed)
    evaluators = classification_evaluators(scores, labels, multi_label=multi_label)
    terms = {name: np.mean([run.terms[name] for run in evaluators], axis=0) for name in evaluators[0].terms}
    found = estimates(evaluators, resampler, boundary=evaluators[0].boundary, terms=terms)
    if label_names is None:
        return found
    keys = metric_keys(label_names)
    return {_named(name, keys): estimate for name, estimate in found.items()}


def classification_evaluators(
    scores: AnyArray, labels: AnyArray, *, multi_label: bool = False, only: Collection[str] | None = None
) -> list["SingleLabel"] | list["MultiLabel"]:
    """One function of item weights for each seed; see `classification_metrics`.

    Args:
        scores: Logits (n, c) or (s, n, c).
        labels: int64 (n,); bool (n, c) where multi-label.
        multi_label: Several labels per item.
        only: Compute nothing but these metrics.
    """
    stacked = np.asarray(scores)
    stacked = stacked[None] if stacked.ndim == 2 else stacked
    if stacked.ndim != 3 or stacked.shape[2] == 0:
        raise DataError(f"scores: expected logits (n, classes) or (seeds, n, classes), got shape {np.shape(scores)}.")
    if multi_label:
        return [MultiLabel(run, labels, only) for run in stacked]
    return [SingleLabel(run, labels, only) for run in stacked]


class SingleLabel:
    """The metrics of one single-label run as functions of item weights.

    Attributes:
        terms: The metrics that are means over items, and what they are means of, (n,).
        fixed_sums: What the metrics are sums of, (n,), that are such sums while labels and weights stay: besides means
            over items balanced accuracy, which is none when items are resampled.
        boundary: Effective number of items behind the metrics that are means over classes.
    """

    def __init__(
        self,
        scores: AnyArray,
        labels: AnyArray,
        only: Collection[str] | None = None,
        *,
        exact_pairs: int = F.EXACT_PAIRS,
    ) -> None:
        logits = F.relative_logits(check_finite(scores, "scores"))
        n, c = logits.shape
        labels = check_labels(labels, n, c)
        wanted = _Wanted(only)
        self.terms: dict[str, AnyArray] = {}
        self.boundary = dict.fromkeys(_CLASS_MEANS, _number_behind_class_means(np.bincount(labels, minlength=c)))
        predicted = logits.argmax(axis=1)
        if wanted("accuracy"):
            self.terms["accuracy"] = predicted == labels
        if wanted("top5_accuracy") and c > 5:
            self.terms["top5_accuracy"] = F.in_top_k(logits, labels, 5)
        if wanted("nll"):
            self.terms["nll"] = F.nll_terms(logits, labels)
        if wanted("brier", "ece"):
            probabilities = F.softmax(logits)
        if wanted("brier"):
            self.terms["brier"] = F.brier_terms(probabilities, labels)
        self.fixed_sums = {name: np.asarray(terms, np.float64) / n for name, terms in self.terms.items()}
        if wanted("balanced_accuracy"):
            size = np.bincount(labels, minlength=c)
            share = 1.0 / (np.count_nonzero(size) * size[labels])
            self.fixed_sums["balanced_accuracy"] = np.where(predicted == labels, share, 0.0)
        self._bins = F.BinSums(probabilities.max(axis=1), predicted == labels) if wanted("ece") else None
        self._counts = F.ClassCounts(predicted, labels, c) if wanted("balanced_accuracy", "macro_f1") else None
        ranked = wanted(*_RANKED)
        targets = labels[:, None] == np.arange(c)
        self._ranking = F.Ranking(F.log_odds(logits), targets, exact_pairs=exact_pairs) if ranked else None

    def __call__(self, weights: FloatArray) -> dict[str, F.Values]:
        """Metrics by name, each (b,), of weights (b, n)."""
        found = _means(self.terms, weights)
        if self._counts:
            hits, true, predicted = self._counts(weights)
            found["balanced_accuracy"] = F.balanced_accuracy(hits, true)
            found["macro_f1"] = F.macro_f1(hits, true, predicted)
        if self._ranking:
            found["auroc"], found["average_precision"] = self._ranking(weights)
        if self._bins:
            found["ece"] = F.calibration_error(*self._bins(weights))
        return found

    def influence(self, metric: str) -> F.Values | None:
        """See `Ranking.influence`; None for metrics whose replicates are exact."""
        return self._ranking.influence(_RANKED.index(metric)) if self._ranking and metric in _RANKED else None


class MultiLabel:
    """The metrics of one multi-label run as functions of item weights.

    Attributes:
        terms: The metrics that are means over items, and what they are means of, (n,).
        fixed_sums: See `SingleLabel`.
        boundary: See `SingleLabel`.
    """

    def __init__(
        self,
        scores: AnyArray,
        labels: AnyArray,
        only: Collection[str] | None = None,
        *,
        exact_pairs: int = F.EXACT_PAIRS,
    ) -> None:
        logits = check_finite(scores, "scores")
        targets = check_targets(labels, logits.shape)
        wanted = _Wanted(only)
        predicted, probabilities = logits >= 0, F.sigmoid(logits)
        self.terms: dict[str, AnyArray] = {
            "accuracy": (predicted == targets).all(axis=1),
            "nll": F.binary_nll_terms(logits, targets),
            "brier": ((probabilities - targets) ** 2).mean(axis=1),
        }
        self.terms = {name: terms for name, terms in self.terms.items() if wanted(name)}
        self.fixed_sums = {name: np.asarray(terms, np.float64) / len(targets) for name, terms in self.terms.items()}
        self.boundary = dict.fromkeys(_CLASS_MEANS, _number_behind_class_means(targets.sum(axis=0)))
        self._decisions = (predicted & targets, targets, predicted) if wanted("macro_f1", "micro_f1") else None
        self._bins = F.BinSums(probabilities, targets) if wanted("ece") else None
        ranked = wanted(*_RANKED)
        # Within a label logits order images as their probabilities do.
        self._ranking = F.Ranking(logits, targets, macro=False, exact_pairs=exact_pairs) if ranked else None

    def __call__(self, weights: FloatArray) -> dict[str, F.Values]:
        """Metrics by name, each (b,), of weights (b, n)."""
        found = _means(self.terms, weights)
        if self._decisions:
            sums = [(weights @ part.astype(np.float32)).astype(np.float64) for part in self._decisions]
            found["macro_f1"], found["micro_f1"] = F.macro_f1(*sums), F.micro_f1(*sums)
        if self._bins:
            found["ece"] = F.calibration_error(*self._bins(weights))
        if self._ranking:
            for name, values in zip(_RANKED, self._ranking(weights), strict=True):
                found[name] = F.mean_of_defined(values)
                found |= {f"{name}/{index}": column for index, column in enumerate(values.T)}
        return found

    def influence(self, metric: str) -> F.Values | None:
        """See `SingleLabel.influence`."""
        name, _, index = metric.partition("/")
        if self._ranking is None or name not in _RANKED:
            return None
        return self._ranking.influence(_RANKED.index(name), int(index) if index else None)


def _number_behind_class_means(sizes: AnyArray) -> float:
    """Effective number of items of a mean over classes, each a mean over its items: 1 / sum_c (1 / (k^2 n_c))."""
    present = np.asarray(sizes, np.float64)[np.asarray(sizes) > 0]
    return float(len(present) ** 2 / (1.0 / present).sum()) if len(present) else 0.0


class _Wanted:
    def __init__(self, only: Collection[str] | None) -> None:
        self._only = None if only is None else {name.partition("/")[0] for name in only}

    def __call__(self, *names: str) -> bool:
        return self._only is None or not self._only.isdisjoint(names)


def _means(terms: dict[str, AnyArray], weights: FloatArray) -> dict[str, F.Values]:
    if not terms:
        return {}
    return dict(zip(terms, F.weighted_means(np.column_stack(list(terms.values())), weights).T, strict=True))


def _named(metric: str, keys: Sequence[str]) -> str:
    base, _, index = metric.partition("/")
    return f"{base}/{keys[int(index)]}" if index else metric
