import pytest

from workbench.metrics import higher_is_better, primary_metric


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
