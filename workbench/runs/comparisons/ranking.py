"""Recipes ranked over datasets, with sentences on what so few datasets can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.formatting import format_p
from workbench.metrics import average_ranks, friedman, nemenyi_difference

_FEW_DATASETS = 5
_LEVEL = 0.05


@dataclass(frozen=True)
class RecipeRanking:
    """Average ranks at one model and number of shots.

    Attributes:
        model: Model argument.
        shots: As recorded.
        datasets: Those ranked over.
        labels: Recipes, best average rank first.
        ranks: Their average ranks; 1 is best.
        statistic: Friedman's chi-squared; NaN where it cannot be computed.
        p_value: Its p-value, or NaN.
        critical_difference: Nemenyi's, at 5 %; NaN where nothing can be tested.
        sentences: The result in words.
    """

    model: str
    shots: str
    datasets: tuple[str, ...]
    labels: tuple[str, ...]
    ranks: tuple[float, ...]
    statistic: float
    p_value: float
    critical_difference: float
    sentences: tuple[str, ...]


def rank(
    model: str, shots: str, values: Mapping[str, Mapping[str, float]], higher_is_better: Mapping[str, bool]
) -> RecipeRanking | None:
    """Rank the recipes that have a value on every dataset.

    Args:
        model: Model argument.
        shots: As recorded.
        values: Dataset to recipe to value.
        higher_is_better: Dataset to whether its metric is better high.

    Returns:
        None with fewer than two datasets or two common recipes.
    """
    datasets = tuple(sorted(values))
    everywhere = set.intersection(*(set(values[name]) for name in datasets)) if datasets else set()
    common = sorted(everywhere)
    if len(datasets) < 2 or len(common) < 2:
        return None
    table = np.array(
        [
            average_ranks(
                np.array([[values[name][label] for label in common]]), higher_is_better=higher_is_better[name]
            )[0]
            for name in datasets
        ]
    )
    dropped = sorted(set().union(*(values[name] for name in datasets)) - everywhere)
    mean = table.mean(axis=0)
    order = np.argsort(mean, kind="stable")
    labels, ranks = tuple(common[i] for i in order), tuple(float(mean[i]) for i in order)
    statistic = p_value = float("nan")
    if len(common) >= 3:
        test = friedman(table)
        statistic, p_value = test.statistic, test.p_value
    difference = nemenyi_difference(len(common), len(datasets), level=_LEVEL)
    sentences = _in_words(labels, ranks, len(datasets), statistic, p_value, difference, dropped)
    return RecipeRanking(model, shots, datasets, labels, ranks, statistic, p_value, difference, tuple(sentences))


def _in_words(
    labels: Sequence[str],
    ranks: Sequence[float],
    n: int,
    statistic: float,
    p_value: float,
    difference: float,
    dropped: Sequence[str],
) -> list[str]:
    k = len(labels)
    sentences = []
    if k >= 3:
        verdict = "the average ranks differ" if p_value < _LEVEL else "no evidence that the average ranks differ"
        sentences.append(
            f"Friedman test over {n} datasets and {k} recipes: {verdict} "
            f"(chi-squared {statistic:.1f} with {k - 1} degrees of freedom, {format_p(p_value)})."
        )
    if difference >= k - 1:
        sentences.append(
            f"Nemenyi's critical difference at 5 % is {difference:.2f}, and average ranks of {k} recipes are at most "
            f"{k - 1} apart: with {n} datasets no two recipes can be told apart by their ranks."
        )
    else:
        sentences.append(
            f"Nemenyi's critical difference at 5 % is {difference:.2f}: " + _apart(labels, ranks, difference, p_value)
        )
    if n < _FEW_DATASETS:
        sentences.append(
            f"{n} datasets are few. This test asks whether the order would hold on further datasets of the kind, and "
            "its chi-squared approximation is meant for more; it can show a recipe that wins nearly everywhere, and "
            "its silence shows nothing. What holds on these very datasets is said by the paired comparisons."
        )
    if dropped:
        sentences.append(f"Not ranked, because they lack a result on some dataset: {', '.join(dropped)}.")
    return sentences


def _apart(labels: Sequence[str], ranks: Sequence[float], difference: float, p_value: float) -> str:
    if p_value >= _LEVEL:
        return "without a significant Friedman test no pair is called different."
    worse = {
        best: [label for label, rank in zip(labels, ranks, strict=True) if rank - best_rank > difference]
        for best, best_rank in zip(labels, ranks, strict=True)
    }
    findings = [f"{best} ranks better than {', '.join(others)}" for best, others in worse.items() if others]
    return ("; ".join(findings) + ".") if findings else "no two recipes are further apart than that."
