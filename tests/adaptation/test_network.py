"""What is trained, what is locked, and what the weights are afterwards."""

import numpy as np
import pytest
import torch

from workbench.adaptation.config import Training
from workbench.training.weights import put_weights


def settings_of(**options):
    return Training(**{"steps": 2, "batch_size": 12, "min_crop": 1.0, **options})


def trained(setup, steps=2):
    """Take plain gradient steps."""
    network = setup.network
    optimiser = torch.optim.SGD(network.parameters.values(), lr=0.05)
    for batch in setup.stream.batches(0, steps):
        optimiser.zero_grad()
        network.backward(batch, setup.stream.inputs)
        optimiser.step()
    return network


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("loss", ["contrastive", "sigmoid"])
def test_micro_batches_give_the_gradient_of_the_batch(adaptation, method, loss):
    gradients = []
    for size in (None, 5):
        setup = adaptation(settings_of(method=method, loss=loss, micro_batch_size=size))
        (batch,) = setup.stream.batches(0, 1)
        setup.network.backward(batch, setup.stream.inputs)
        gradients.append({name: p.grad for name, p in setup.network.parameters.items() if p.grad is not None})
    whole, parts = gradients
    assert len(whole) > 10
    largest = max(float(value.abs().max()) for value in whole.values())
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5 * largest)


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize(("locked", "still"), [("image", "visual."), ("text", "transformer.")])
def test_a_locked_tower_stays_to_the_bit(adaptation, method, locked, still):
    network = trained(adaptation(settings_of(method=method, locked=locked)))
    changed = network.weights()
    assert len(changed) > 3
    assert not [name for name in changed if name.startswith(still)]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_weights_make_a_stock_network_embed_alike(adaptation, method):
    setup = adaptation(settings_of(method=method))
    network = trained(setup)
    stock = setup.model.load()
    (batch,) = setup.stream.batches(0, 1)
    pixels, tokens = setup.stream.inputs(batch.images), stock.tokenizer(list(batch.texts))
    before = stock.image_features(pixels)[1]
    put_weights(stock, network.weights())
    for embed, x in (("image_features", pixels), ("text_features", tokens)):
        found, expected = (getattr(loaded, embed)(x) for loaded in (stock, network.loaded))
        found, expected = (x[1] if isinstance(x, tuple) else x for x in (found, expected))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(before, stock.image_features(pixels)[1], atol=1e-4)
    assert stock.logit_scale == pytest.approx(network.scale, rel=1e-5)


def test_the_sigmoid_loss_begins_as_its_paper_says(adaptation):
    network = adaptation(settings_of(loss="sigmoid")).network
    assert network.scale == pytest.approx(10)
    assert network.parameters["bias"].item() == -10
    assert "bias" not in adaptation(settings_of()).network.parameters


def test_training_brings_images_and_their_texts_together(adaptation):
    setup = adaptation(settings_of(method="full", batch_size=24))
    (batch,) = setup.stream.batches(0, 1)
    optimiser = torch.optim.AdamW(setup.network.parameters.values(), lr=1e-3)
    losses = []
    for _ in range(15):
        optimiser.zero_grad()
        losses.append(float(setup.network.backward(batch, setup.stream.inputs)))
        optimiser.step()
    assert losses[-1] < 0.8 * losses[0]
    assert np.isfinite(losses).all()


def test_mixed_precision_leaves_weights_in_fp32(adaptation):
    gradients = {}
    for precision in ("fp32", "bf16"):
        setup = adaptation(settings_of(micro_batch_size=5), precision=precision)
        (batch,) = setup.stream.batches(0, 1)
        setup.network.backward(batch, setup.stream.inputs)
        found = [p.grad for p in setup.network.parameters.values() if p.grad is not None]
        assert {gradient.dtype for gradient in found} == {torch.float32}
        gradients[precision] = torch.cat([gradient.flatten() for gradient in found])
    exact, rounded = gradients["fp32"], gradients["bf16"]
    assert not torch.equal(exact, rounded)
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.99
