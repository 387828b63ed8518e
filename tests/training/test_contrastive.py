"""Multi-positive losses against loops and, with one positive each, against torch's cross-entropy."""

import torch
import torch.nn.functional as F

from workbench.training import choice_loss, contrastive_loss, sigmoid_loss

LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


def test_one_positive_each_is_clips_loss():
    logits = LOGITS[:4]
    target = torch.arange(4)
    expected = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(contrastive_loss(logits, torch.eye(4, dtype=torch.bool)), expected)


def test_several_positives_share_the_target():
    belongs = torch.tensor([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]], dtype=torch.bool)

    def one_way(logits, own):
        rows = [i for i in range(len(own)) if own[i].any()]
        terms = [
            -torch.stack([logits[i].log_softmax(0)[j] for j in range(own.shape[1]) if own[i, j]]).mean() for i in rows
        ]
        return torch.stack(terms).mean()

    expected = (one_way(LOGITS, belongs) + one_way(LOGITS.T, belongs.T)) / 2
    torch.testing.assert_close(contrastive_loss(LOGITS, belongs), expected)


def test_a_duplicated_text_is_no_negative():
    # With the copy as a negative, no logits could bring the loss down.
    belongs = torch.tensor([[1, 1], [1, 1]], dtype=torch.bool)
    assert contrastive_loss(torch.zeros(2, 2), belongs) == contrastive_loss(torch.full((2, 2), 9.0), belongs)


def test_sigmoid_loss_is_a_sum_of_yes_and_no():
    belongs = LOGITS > 0.3
    expected = F.binary_cross_entropy_with_logits(LOGITS, belongs.float(), reduction="sum") / len(LOGITS)
    torch.testing.assert_close(sigmoid_loss(LOGITS, belongs), expected)


def test_choice_loss_with_one_right_is_cross_entropy():
    scores = torch.tensor([1.0, 2.0, 0.5, -1.0, 0.3])
    right = torch.tensor([True, False, False, True, False])
    expected = (
        F.cross_entropy(scores[:2][None], torch.tensor([0])) + F.cross_entropy(scores[2:][None], torch.tensor([1]))
    ) / 2
    torch.testing.assert_close(choice_loss(scores, right, torch.tensor([0, 2])), expected)


def test_choice_loss_sums_the_probability_of_all_right_ones():
    scores = torch.tensor([1.0, 2.0, 0.5], requires_grad=True)
    loss = choice_loss(scores, torch.tensor([True, True, False]), torch.tensor([0]))
    torch.testing.assert_close(loss, -scores.softmax(0)[:2].sum().log())
    loss.backward()
    assert torch.isfinite(scores.grad).all()
