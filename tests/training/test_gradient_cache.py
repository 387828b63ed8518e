"""The gradient from parts is that of the whole batch."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from workbench.training.contrastive import contrastive_loss, sigmoid_loss
from workbench.training.gradient_cache import Side, cached_backward

N, WIDTH, D = 12, 7, 5


class Towers(nn.Module):
    """Two towers, one with dropout, and a temperature."""

    def __init__(self, dtype, dropout=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.image = nn.Sequential(nn.Linear(WIDTH, 9), nn.GELU(), nn.Dropout(dropout), nn.Linear(9, D)).to(dtype)
        self.text = nn.Sequential(nn.Linear(WIDTH, 6), nn.Tanh(), nn.Linear(6, D)).to(dtype)
        self.log_scale = nn.Parameter(torch.tensor(2.0, dtype=dtype))

    def loss(self, kind, belongs, images, texts):
        x, y = (F.normalize(each, dim=1) for each in (images, texts))
        return kind(self.log_scale.exp() * x @ y.T, belongs)

    def gradients(self):
        return {
            name: parameter.grad.clone() for name, parameter in self.named_parameters() if parameter.grad is not None
        }


def batch(dtype):
    generator = torch.Generator().manual_seed(1)
    images, texts = (torch.randn(n, WIDTH, generator=generator, dtype=dtype) for n in (N, N - 2))
    belongs = torch.eye(N, N - 2, dtype=torch.bool)
    belongs[-1, 0] = belongs[3, 5] = True  # A text of several images, an image of several texts.
    return images, texts, belongs


def cut(tower, rows, size, *, trained=True):
    return Side([partial(tower, part) for part in rows.split(size)], trained)


@pytest.mark.parametrize("kind", [contrastive_loss, sigmoid_loss])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("size", [1, 5, N])
def test_parts_give_the_gradient_of_the_batch(kind, dtype, tolerance, size):
    images, texts, belongs = batch(dtype)
    whole, parts = Towers(dtype), Towers(dtype)
    expected = whole.loss(kind, belongs, whole.image(images), whole.text(texts))
    expected.backward()
    sides = [cut(parts.image, images, size), cut(parts.text, texts, size)]
    found = cached_backward(sides, partial(parts.loss, kind, belongs))
    assert not found.requires_grad
    torch.testing.assert_close(found, expected.detach(), rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(parts.gradients(), whole.gradients(), rtol=tolerance, atol=tolerance)


def test_gradients_of_parts_alone_are_another_thing():
    images, texts, belongs = batch(torch.float64)
    texts, belongs = torch.cat([texts, texts[:2]]), torch.eye(N, dtype=torch.bool)
    whole, parts = Towers(torch.float64), Towers(torch.float64)
    whole.loss(contrastive_loss, belongs, whole.image(images), whole.text(texts)).backward()
    for rows in torch.arange(N).split(4):
        diagonal = torch.eye(4, dtype=torch.bool)
        (parts.loss(contrastive_loss, diagonal, parts.image(images[rows]), parts.text(texts[rows])) / 3).backward()
    assert not torch.allclose(parts.image[0].weight.grad, whole.image[0].weight.grad, rtol=0.1)


def test_a_locked_tower_has_no_gradient_and_changes_no_other():
    images, texts, belongs = batch(torch.float64)
    whole, locked = Towers(torch.float64), Towers(torch.float64)
    whole.loss(contrastive_loss, belongs, whole.image(images), whole.text(texts)).backward()
    sides = [cut(locked.image, images, 5, trained=False), cut(locked.text, texts, 5)]
    cached_backward(sides, partial(locked.loss, contrastive_loss, belongs))
    expected = {name: value for name, value in whole.gradients().items() if not name.startswith("image.")}
    torch.testing.assert_close(locked.gradients(), expected)


def test_dropout_is_the_same_in_both_passes():
    images, texts, belongs = batch(torch.float64)
    model = Towers(torch.float64, dropout=0.5)
    seen = []

    def recorded(part):
        out = model.image(part)
        seen.append(out.detach())
        return out

    sides = [Side([partial(recorded, part) for part in images.split(5)]), cut(model.text, texts, 5)]
    torch.manual_seed(3)
    cached_backward(sides, partial(model.loss, contrastive_loss, belongs))
    after = torch.rand(1)
    assert len(seen) == 6
    for first, second in zip(seen[:3], seen[3:], strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)
    # Random numbers go on as if each part had been seen once.
    torch.manual_seed(3)
    for part in images.split(5):
        model.image(part)
    torch.testing.assert_close(after, torch.rand(1), rtol=0, atol=0)
