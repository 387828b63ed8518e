import copy
from collections.abc import Callable
from typing import Any

import peft
import pytest
import torch
from torch import nn

from workbench.errors import ModelError
from workbench.models import LoadedModel, merge_attention, split_attention

Load = Callable[[str], LoadedModel]
SPLIT = ["q_proj", "k_proj", "v_proj", "out_proj", "c_proj", "qkv"]


def features(loaded: LoadedModel) -> list[torch.Tensor]:
    pixels = torch.randn(2, 3, *loaded.image_size, generator=torch.Generator().manual_seed(1))
    text = loaded.text_features(loaded.tokenizer(["a cat", "two dogs on a long road"]))
    return [loaded.network.encode_image(pixels), loaded.image_features(pixels)[1], text]


def split(module: nn.Module) -> Any:
    holder = nn.ModuleDict({"attention": copy.deepcopy(module)})
    assert split_attention(holder) == ["attention"]
    return holder["attention"]


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("width", [None, 12])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_attention_keeps_its_outputs(
    batch_first: bool, width: int | None, bias: bool, need_weights: bool
) -> None:
    stock = nn.MultiheadAttention(16, 4, bias=bias, kdim=width, vdim=width, batch_first=batch_first)
    if bias:
        nn.init.normal_(stock.in_proj_bias)
    query = torch.randn(3, 5, 16) if batch_first else torch.randn(5, 3, 16)
    key = torch.randn(3, 7, width or 16) if batch_first else torch.randn(7, 3, width or 16)
    expected, weights = stock(query, key, key, need_weights=need_weights)
    found, found_weights = split(stock)(query, key, key, need_weights=need_weights)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert (weights is None) == (found_weights is None)
    if need_weights:
        torch.testing.assert_close(found_weights, weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("kind", ["additive", "forbidden", "per head", "padding", "both"])
def test_masks_mean_the_same(kind: str, need_weights: bool) -> None:
    stock = nn.MultiheadAttention(16, 4, batch_first=True)
    x = torch.randn(3, 5, 16)
    causal = torch.full((5, 5), float("-inf")).triu(1)
    padding = torch.arange(5)[None].expand(3, 5) >= torch.tensor([[5], [3], [4]])
    given: dict[str, Any] = {
        "additive": {"attn_mask": causal},
        "forbidden": {"attn_mask": causal.isinf()},
        "per head": {"attn_mask": torch.randn(12, 5, 5)},
        "padding": {"key_padding_mask": padding},
        "both": {"attn_mask": causal.isinf(), "key_padding_mask": padding},
    }[kind]
    expected = stock(x, x, x, need_weights=need_weights, **given)[0]
    torch.testing.assert_close(split(stock)(x, x, x, need_weights=need_weights, **given)[0], expected)
    free = stock(x, x, x)[0]
    assert not torch.allclose(expected, free), "the mask must matter"


def test_unbatched_input_and_weights_per_head() -> None:
    stock = nn.MultiheadAttention(16, 4)
    x = torch.randn(5, 16)
    for one, other in zip(
        stock(x, x, x, average_attn_weights=False), split(stock)(x, x, x, average_attn_weights=False), strict=True
    ):
        torch.testing.assert_close(other, one)


@pytest.mark.parametrize(
    "settings", [{}, {"qk_norm": True, "scale_heads": True, "inner_norm": True, "qkv_bias": False}]
)
def test_the_attention_of_open_clip_keeps_its_outputs(settings: dict[str, bool]) -> None:
    from open_clip.transformer import Attention

    stock = Attention(16, num_heads=4, **settings).eval()
    if settings:
        nn.init.normal_(stock.head_scale)
    x, mask = torch.randn(2, 5, 16), torch.full((5, 5), float("-inf")).triu(1)
    holder = nn.ModuleDict({"attention": copy.deepcopy(stock)})
    split_attention(holder)
    assert isinstance(holder["attention"].q_proj, nn.Linear)
    for masks in ({}, {"attn_mask": mask}):
        torch.testing.assert_close(holder["attention"](x, **masks), stock(x, **masks))
    merge_attention(holder)
    assert isinstance(holder["attention"], Attention)
    torch.testing.assert_close(holder["attention"](x), stock(x))
    assert holder["attention"].state_dict().keys() == stock.state_dict().keys()


@pytest.mark.parametrize("family", ["vit", "resnet", "coca", "timm-classifier", "hf-text"])
def test_split_networks_say_the_same_and_merge_into_the_stock_state(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    before = features(loaded)
    state = {key: value.clone() for key, value in loaded.network.state_dict().items()}
    names = split_attention(loaded.network)
    assert not any(isinstance(module, nn.MultiheadAttention) for module in loaded.network.modules())
    for found, expected in zip(features(loaded), before, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert merge_attention(loaded.network) == names
    assert list(loaded.network.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in loaded.network.state_dict().items())


@pytest.mark.parametrize("family", ["vit", "resnet", "coca"])
def test_every_adapter_takes_part(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    split_attention(loaded.network)
    visual = loaded.network.visual
    peft.inject_adapter_in_model(peft.LoraConfig(r=2, target_modules=SPLIT, init_lora_weights=False), visual)
    pixels = torch.randn(2, 3, *loaded.image_size)
    for encode in (visual, lambda x: loaded.image_features(x)[1]):
        visual.zero_grad()
        output = encode(pixels)
        (output[0] if isinstance(output, tuple) else output).square().sum().backward()
        grads = {name: p.grad for name, p in visual.named_parameters() if "lora_" in name}
        assert grads
        idle = [name for name, grad in grads.items() if grad is None or not grad.abs().sum() > 0]
        assert not idle


def test_timm_layers_that_a_functional_call_would_skip_are_called() -> None:
    from timm.models.eva import Eva

    network = Eva(img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=2, qkv_fused=True, num_classes=0).eval()
    nn.init.normal_(network.blocks[0].attn.q_bias)
    x = torch.randn(2, 3, 16, 16)
    before = network(x)
    split_attention(network)
    torch.testing.assert_close(network(x), before, rtol=1e-4, atol=1e-5)
    peft.inject_adapter_in_model(peft.LoraConfig(r=2, target_modules=["qkv"], init_lora_weights=False), network)
    assert not torch.allclose(network(x), before)


def test_merged_adapters_end_up_in_the_stock_weights(load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    before = features(loaded)
    split_attention(loaded.network)
    adapted = peft.get_peft_model(
        loaded.network, peft.LoraConfig(r=2, lora_alpha=8, target_modules=SPLIT[:4], init_lora_weights=False)
    )
    expected = features(loaded)
    assert not torch.allclose(expected[0], before[0], atol=1e-3)
    with pytest.raises(ModelError, match="merge adapters"):
        merge_attention(copy.deepcopy(adapted))
    loaded.network = adapted.merge_and_unload()
    merge_attention(loaded.network)
    fresh = load_tiny("vit")
    fresh.network.load_state_dict(loaded.network.state_dict(), strict=True)
    for found, wanted in zip(features(fresh), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_trap_that_this_is_for_is_still_there() -> None:
    """peft on stock attention applies the delta of the output projection twice; without that, splitting could go."""
    stock = nn.ModuleDict({"attention": nn.MultiheadAttention(16, 4, batch_first=True)}).eval()
    wrapped = copy.deepcopy(stock)
    config = peft.LoraConfig(r=2, target_modules=["attention"], init_lora_weights=False)
    peft.inject_adapter_in_model(config, wrapped)
    x = torch.randn(2, 5, 16)
    adapted = wrapped["attention"](x, x, x, need_weights=False)[0]
    merged = copy.deepcopy(stock["attention"])
    layer = wrapped["attention"]
    with torch.no_grad():
        merged.in_proj_weight += layer.get_delta_weight("default")
        merged.out_proj.weight += layer.base_layer.out_proj.get_delta_weight("default")
    assert not torch.allclose(adapted, merged(x, x, x, need_weights=False)[0], atol=1e-4)
