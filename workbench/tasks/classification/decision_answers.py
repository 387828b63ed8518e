"""What a run's choices on validation say of unlabelled images."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from workbench.arrays import FloatArray
from workbench.metrics.functional import softmax
from workbench.metrics.hierarchy import LikeliestTaxa
from workbench.metrics.keys import metric_keys
from workbench.metrics.operating_points import positive_log_odds
from workbench.tasks.classification.choices import Choices
from workbench.tasks.task import Answer


def decided(choices: Choices, scores: FloatArray, names: Sequence[str]) -> list[Answer]:
    """Decisions at the operating points of `[decisions]`, and sets of classes.

    Args:
        choices: Made on validation images.
        scores: Calibrated logits, (n, c).
        names: Of the classes.

    Returns:
        For each image `positive_probability` where classes are positive, `positive_at_POINT` of each operating point,
        and `class_set`, all classes that are likely enough, the likeliest first, where a coverage was asked for. Where
        the run backs off, `taxon` and its `rank`, the lowest that is sure enough; both None where none is.
    """
    chances = softmax(scores)
    answers: list[dict[str, object]] = [{} for _ in scores]
    if choices.points:
        margins = positive_log_odds(scores, choices.positives)
        for answer, margin in zip(answers, margins.tolist(), strict=True):
            answer["positive_probability"] = round(float(expit(margin)), 6)
            for point, threshold in zip(metric_keys(choices.points), choices.thresholds, strict=True):
                answer[f"positive_at_{point}"] = margin >= threshold
    if choices.least_probability is not None:
        for answer, image_chances in zip(answers, chances, strict=True):
            order = np.argsort(-image_chances, kind="stable")
            inside = image_chances[order] >= choices.least_probability
            answer["class_set"] = tuple(names[c] for c in order[inside])
    if choices.backoff is not None and choices.taxonomy is not None:
        taxa = LikeliestTaxa.of(choices.taxonomy, chances, np.zeros(len(scores), dtype=np.int64))
        for answer, level, own in zip(answers, taxa.answered(choices.backoff).tolist(), taxa.taxa, strict=True):
            answer["rank"] = choices.taxonomy.levels[level] if level >= 0 else None
            answer["taxon"] = choices.taxonomy.name(level, int(own[level]), names) if level >= 0 else None
    return list(answers)
