import pytest
import torch
from torch import nn

from workbench.training import Compute, precision, seeded


@pytest.mark.parametrize(
    ("wanted", "run", "native", "expected"),
    [
        ("auto", "fp32", True, "fp32"),
        ("auto", "bf16", False, "bf16"),
        ("auto", "fp16", True, "bf16"),
        ("auto", "fp16", False, "fp32"),
        ("fp32", "bf16", True, "fp32"),
        ("bf16", "fp32", False, "bf16"),
    ],
)
def test_precision_follows_the_run_unless_told_otherwise(monkeypatch, wanted, run, native, expected):
    monkeypatch.setattr(precision, "native_bf16", lambda _: native)
    assert Compute.resolve("cpu", wanted, run) == Compute("cpu", expected)


def test_autocast_only_in_bf16():
    layer = nn.Linear(4, 4)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with Compute("cpu", name).autocast():
            assert layer(torch.zeros(1, 4)).dtype == dtype


def test_strided_depthwise_convolutions_stay_exact_in_bf16():
    network = nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, groups=8), nn.Conv2d(8, 4, 1))
    x = torch.randn(2, 8, 6, 6)
    with torch.no_grad():
        expected = network[0](x)
        compute = Compute("cpu", "bf16")
        compute.place(network)
        with compute.autocast():
            torch.testing.assert_close(network[0](compute.images(x)), expected, atol=1e-6, rtol=1e-5)
            assert network(compute.images(x)).dtype == torch.bfloat16
    assert set(network.state_dict()) == {"0.weight", "0.bias", "1.weight", "1.bias"}


def test_images_are_laid_out_channels_last():
    x = torch.randn(2, 3, 8, 8)
    placed = Compute("cpu", "fp32").images(x)
    assert torch.equal(placed, x)
    assert placed.is_contiguous(memory_format=torch.channels_last)


def test_seeded_repeats_itself_and_leaves_no_trace():
    torch.manual_seed(3)
    first, second = torch.rand(2), torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(2), first)
    with seeded(7):
        inside = torch.rand(2)
    with seeded(7):
        assert torch.equal(torch.rand(2), inside)
    assert torch.equal(torch.rand(2), second)
