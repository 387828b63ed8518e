"""BLEU and ROUGE-L of captions: sacrebleu and rouge-score count, on this package's words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.captions_tokens import tokens
from workbench.metrics.functional import Values, ratio

ORDERS = 4


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


def rouge_l(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Values:
    """ROUGE-L of each caption, 0..1: F1 of the longest common subsequence, best over its references.

    Lin (ACL workshop 2004), section 3.1, with recall and precision weighted alike, as rouge-score does; the server of
    COCO weighs recall higher (beta 1.2).

    Returns:
        float64 (n,).
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer: Any = RougeScorer(["rougeL"], tokenizer=_Words())
    pairs = zip(candidates, references, strict=True)
    return np.array(
        [
            scorer.score_multi(list(item_references), candidate)["rougeL"].fmeasure
            for candidate, item_references in pairs
        ],
        float,
    )
