import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from workbench.training import classification_loss, classification_quality

LOGITS = torch.randn(40, 5, generator=torch.Generator().manual_seed(0)) * 3


def test_single_label_quality_equals_scikit_learn():
    labels = torch.arange(40) % 5
    quality = classification_quality(LOGITS, labels)
    assert quality.score == quality.measures["accuracy"]
    assert quality.measures["accuracy"] == pytest.approx(accuracy_score(labels, LOGITS.argmax(dim=1)))
    assert quality.measures["nll"] == pytest.approx(log_loss(labels, LOGITS.double().softmax(dim=1)))


def test_multi_label_quality_counts_all_decisions():
    labels = torch.rand(40, 5, generator=torch.Generator().manual_seed(1)) < 0.3
    quality = classification_quality(LOGITS, labels)
    assert quality.score == -quality.measures["nll"]
    assert quality.measures["accuracy"] == pytest.approx(((LOGITS > 0) == labels).double().mean())
    losses = [log_loss(labels[:, c], LOGITS[:, c].double().sigmoid(), labels=[False, True]) for c in range(5)]
    assert quality.measures["nll"] == pytest.approx(np.mean(losses))


def test_labels_that_are_not_known_are_left_out():
    labels = (torch.rand(40, 5, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    known = torch.rand(40, 5, generator=torch.Generator().manual_seed(2)) < 0.6
    masked, logits = labels.where(known, torch.nan), LOGITS.clone().requires_grad_()
    quality = classification_quality(LOGITS, masked)
    assert quality.measures["accuracy"] == pytest.approx(accuracy_score(labels[known], (LOGITS > 0)[known]))
    assert quality.measures["nll"] == pytest.approx(log_loss(labels[known], LOGITS[known].double().sigmoid()))
    classification_loss(logits, masked).backward()
    assert (logits.grad[known] != 0).all()
    assert (logits.grad[~known] == 0).all()
    assert classification_loss(LOGITS, torch.full((40, 5), torch.nan)) == 0


def test_label_smoothing_mixes_in_the_mean_over_classes():
    labels = torch.arange(40) % 5
    uniform = -LOGITS.log_softmax(dim=1).mean()
    expected = 0.8 * classification_loss(LOGITS, labels) + 0.2 * uniform
    torch.testing.assert_close(classification_loss(LOGITS, labels, 0.2), expected)
