"""BLEU and ROUGE-L of captions: sacrebleu and rouge-score count, on this package's words."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.captions_tokens import tokens
from workbench.metrics.functional import Values, ratio

ORDERS = 4
_COCO_BETA = 1.2


class BleuCounts:
    """Corpus BLEU under item weights, unsmoothed, from sacrebleu's counts of each caption.

    Papineni et al. (ACL 2002). BLEU is no mean over captions: matched and all n-grams are summed over the set before
    they are divided.

    Args:
        candidates: n captions.
        references: At least one reference for each.
    """

    def __init__(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        from sacrebleu.metrics.bleu import BLEU

        # Effective order changes the sentence's score, which is not read, and stops a warning about it.
        bleu = BLEU(tokenize="none", force=True, effective_order=True, max_ngram_order=ORDERS)
        rows = []
        for candidate, item_references in zip(candidates, references, strict=True):
            bleu_score = bleu.sentence_score(
                " ".join(tokens(candidate)), [" ".join(tokens(text)) for text in item_references]
            )
            rows.append([*bleu_score.counts, *bleu_score.totals, bleu_score.sys_len, bleu_score.ref_len])
        self._counts: AnyArray = np.array(rows, dtype=np.float64).reshape(-1, 2 * ORDERS + 2)

    def __call__(self, weights: FloatArray, order: int = ORDERS) -> Values:
        """BLEU up to n-grams of `order` words, 0..1, for each weight vector (b, n); shape (b,)."""
        sums = weights.astype(np.float64) @ self._counts
        precisions = np.nan_to_num(ratio(sums[:, :order], sums[:, ORDERS : ORDERS + order]))
        lengths = np.nan_to_num(ratio(sums[:, -1], sums[:, -2]), nan=np.inf)
        brevity = np.exp(np.minimum(0.0, 1.0 - lengths))
        with np.errstate(divide="ignore"):  # No match of some order: the geometric mean is 0.
            mean = np.exp(np.log(precisions).mean(axis=1))
        return np.asarray(brevity * mean)


class _Words:
    """rouge-score's interface of a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        return tokens(text)


class RougeL(NamedTuple):
    """ROUGE-L of n captions, each float64 (n,) in 0..1.

    Attributes:
        f1: F1 of the longest common subsequence, best over an image's references.
        coco: As COCO's caption server weighs it.
    """

    f1: Values
    coco: Values


def rouge_l(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> RougeL:
    """ROUGE-L of each caption, in both of its forms (Lin, ACL workshop 2004).

    With recall and precision weighted alike, as rouge-score does (section 3.1); and as COCO's server does (Chen et al.,
    arXiv 1504.00325): beta is 1.2, so that recall weighs more, and precision and recall are each the best over the
    references, not always of the same one.

    Args:
        candidates: n captions.
        references: At least one for each.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer: Any = RougeScorer(["rougeL"], tokenizer=_Words())
    f1, coco = np.zeros(len(candidates)), np.zeros(len(candidates))
    for i, (candidate, item_references) in enumerate(zip(candidates, references, strict=True)):
        scores = [scorer.score(reference, candidate)["rougeL"] for reference in item_references]
        f1[i] = max(score.fmeasure for score in scores)
        precision, recall = (max(getattr(score, name) for score in scores) for name in ("precision", "recall"))
        if precision > 0:  # Then recall is, too.
            coco[i] = (1 + _COCO_BETA**2) * precision * recall / (recall + _COCO_BETA**2 * precision)
    return RougeL(f1, coco)
