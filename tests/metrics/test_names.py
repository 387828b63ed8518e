import numpy as np
import pytest

from workbench.metrics import (
    caption_metrics,
    classification_metrics,
    higher_is_better,
    primary_metric,
    retrieval_metrics,
    statement_metrics,
    winoground_metrics,
)
from workbench.metrics.names import metrics_of


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("accuracy", True),
        ("auroc/oedema", True),
        ("text_to_image_recall_at_1", True),
        ("text_to_image_median_rank", False),
        ("nll", False),
        ("ece", False),
        ("brier", False),
        ("train_seconds", False),
    ],
)
def test_direction(metric, better):
    assert higher_is_better(metric) is better


def test_primary_metrics():
    assert primary_metric("classification") == "accuracy"
    assert primary_metric("classification", multi_label=True) == "auroc"
    assert primary_metric("retrieval") == "text_to_image_recall_at_1"


def test_what_is_said_to_be_measured_is_what_is_measured():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(40, 7)).astype(np.float32), np.arange(40) % 7
    several = rng.random((40, 7)) < 0.5
    assert set(classification_metrics(scores, labels)) == set(metrics_of("classification"))
    found = classification_metrics(scores, several, multi_label=True)
    assert {name for name in found if "/" not in name} == set(metrics_of("classification", multi_label=True))
    images = texts = np.eye(6, dtype=np.float32)
    assert set(retrieval_metrics(images, texts, [(i, i) for i in range(6)])) == set(metrics_of("retrieval"))
    flat, truth = scores[:, 0], labels > 3
    assert set(statement_metrics(flat, truth)) == set(metrics_of("matching", form="statement"))
    pairs = rng.normal(size=(12, 2, 2)).astype(np.float32)
    assert set(winoground_metrics(pairs)) == set(metrics_of("matching", form="pairs"))
    said = caption_metrics(["a red cat", "a dog"], [["the red cat"], ["one dog"]])
    assert set(said) | {"clip_score", "ref_clip_score"} == set(metrics_of("captioning"))
