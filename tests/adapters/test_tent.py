"""Tent against a plain loop of torch: the norms alone move, answers come before the step, streams begin anew."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from adapters.tent import Tent, norm_parameters
from adapters.zero_shot import ZeroShot
from tests.adapters.without_labels import fitted
from workbench.tasks.classification.online import stream_orders, stream_scores


def published(network, text, scale, images, order, batch, rate, optimizer):
    """Logits of a stream, each batch before the step on its entropy; and the network as it ends."""
    loaded = network.load()
    net = loaded.network.eval()
    affine = []
    for module in net.visual.modules():
        if isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            affine += [own for own in (module.weight, module.bias) if own is not None]
        if isinstance(module, nn.BatchNorm2d):
            module.train()
            module.momentum = 0.0
    for parameter in net.parameters():
        parameter.requires_grad_(requires_grad=False)
    for parameter in affine:
        parameter.requires_grad_()
    made = {
        "sgd": lambda: torch.optim.SGD(affine, lr=rate, momentum=0.9),
        "adam": lambda: torch.optim.Adam(affine, rate),
    }
    optimiser = made[optimizer]()
    found = np.empty((len(images), len(text)), np.float32)
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        pixels = torch.stack([loaded.preprocess(images.decode(int(i))) for i in rows])
        logits = scale * F.normalize(loaded.image_features(pixels)[1], dim=1) @ torch.from_numpy(text).T
        p = logits.softmax(1)
        optimiser.zero_grad()
        (-(p * p.log()).sum(1)).mean().backward()
        optimiser.step()
        found[rows] = logits.detach().numpy()
    return found


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_scores_are_those_of_the_paper(model, colour_task, architecture, optimizer):
    network = model(architecture)
    task, test = colour_task(network)
    order = stream_orders(len(test))[0]
    rate = {"sgd": 1e-2, "adam": 1e-3}[optimizer]
    predictor = fitted(Tent, task, batch_size=8, optimizer=optimizer, learning_rate=rate)
    scores = stream_scores(predictor, test.images, order)
    expected = published(
        network, predictor.arrays["text"], predictor.scale, test.images, order, 8, rate, optimizer
    )  # fmt: skip
    np.testing.assert_allclose(scores, expected, atol=1e-3)


def test_the_first_batch_is_answered_as_by_zero_shot(model, colour_task):
    task, test = colour_task(model("vit"))
    predictor = fitted(Tent, task, batch_size=8, learning_rate=1e-2)
    plain = fitted(ZeroShot, task).scores(test.images)
    scores = stream_scores(predictor, test.images, np.arange(len(test)))
    np.testing.assert_allclose(scores[:8], plain[:8], atol=1e-3)
    assert np.abs(scores[8:] - plain[8:]).max() > 1e-3


def test_streams_begin_anew_and_norms_alone_move(model, colour_task, tmp_path):
    network = model("vit")
    task, test = colour_task(network)
    predictor = fitted(Tent, task, batch_size=8, learning_rate=1e-2)
    orders = stream_orders(len(test))
    first = stream_scores(predictor, test.images, orders[0])
    other = stream_scores(predictor, test.images, orders[1])
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(stream_scores(predictor, test.images, orders[0]), first)
    before, now = network.load().network.state_dict(), predictor._loaded.network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], now[name])}
    assert moved
    assert moved <= norm_parameters(network.load().network).keys()
    predictor.save(tmp_path)
    again = Tent.restore(tmp_path, network, "cpu")
    assert again.batch_size == 8
    np.testing.assert_array_equal(stream_scores(again, test.images, orders[0]), first)


def test_entropy_falls(model, colour_task):
    task, test = colour_task(model("vit"))
    predictor = fitted(Tent, task, batch_size=12, learning_rate=3e-2, steps=4)

    def entropy(scores):
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return float(-(p * np.log(p + 1e-30)).sum(axis=1).mean())

    plain = fitted(ZeroShot, task).scores(test.images)
    assert entropy(stream_scores(predictor, test.images, np.arange(len(test)))) < entropy(plain)
