"""Texts without their padding: the same features, for every text tower, in the shape of open_clip's own call."""

from collections.abc import Callable

import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP

from tests.models.conftest import TEXT, VIT
from workbench.models import LoadedModel
from workbench.models._texts import length_needed, text_features

Load = Callable[[str], LoadedModel]
TEXTS = ["a cat", "a photo of a small brown dog on a very long road at night, seen from afar", "b", ""]


@pytest.mark.parametrize("family", ["vit", "resnet", "coca", "timm-linear", "timm-none", "hf-text"])
def test_trimmed_texts_have_the_features_that_open_clip_gives_untrimmed(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    tokens = loaded.tokenizer(TEXTS)
    expected = loaded.network.encode_text(tokens, normalize=False)
    torch.testing.assert_close(loaded.text_features(loaded.trim(tokens)), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loaded.text_features(tokens), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("family", "cut"), [("vit", True), ("resnet", True), ("timm-linear", True), ("coca", False)])
def test_padding_is_cut_where_nothing_looks_at_it(family: str, cut: bool, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    tokens = loaded.tokenizer(TEXTS)
    longest = int((tokens != 0).sum(dim=1).max())
    assert longest < 30
    assert loaded.trim(tokens).shape == (4, longest if cut else tokens.shape[1])
    assert loaded.trim(loaded.tokenizer(["word " * 200])).shape[1] == loaded.tokenizer([""]).shape[1]


def towers(**text: object) -> list[torch.nn.Module]:
    torch.manual_seed(0)
    return [
        kind(24, VIT, {**TEXT, "context_length": 12, "vocab_size": 50, **text}).eval()
        for kind in (CLIP, CustomTextCLIP)
    ]


@pytest.mark.parametrize(
    ("settings", "cut"),
    [
        ({}, True),
        ({"pool_type": "eos", "eos_id": 40}, True),
        ({"proj_bias": True}, True),
        ({"proj_type": "none"}, True),
        ({"pool_type": "last"}, False),
        ({"pool_type": "first"}, False),
        ({"no_causal_mask": True}, False),
    ],
)
def test_towers_that_may_look_behind_the_end_are_given_all_places(settings: dict[str, object], cut: bool) -> None:
    tokens = torch.tensor([[1, 7, 40, *[0] * 9], [1, 7, 8, 9, 40, *[0] * 7]])
    for network in towers(**settings):
        needed = length_needed(network, tokens)
        assert needed == (5 if cut else 12)
        expected = network.encode_text(tokens)
        torch.testing.assert_close(text_features(network, tokens[:, :needed]), expected, rtol=1e-4, atol=1e-5)


def test_gradients_pass_through_trimmed_texts(load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    loaded.network.token_embedding.weight.requires_grad_()
    loaded.text_features(loaded.trim(loaded.tokenizer(TEXTS))).square().sum().backward()
    assert loaded.network.token_embedding.weight.grad.abs().sum() > 0
