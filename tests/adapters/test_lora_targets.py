"""Which layers are adapted."""

import re

import pytest

from workbench.plugin import RecipeError, split_attention
from workbench.training.lora_targets import exactly, find_targets


@pytest.fixture
def network(model):
    def load(name):
        found = model(name).load().network
        split_attention(found)
        return found

    return load


def ends(names):
    return {name.rpartition(".")[2] for name in names}


def test_transformers_are_adapted_in_their_attention(network):
    found = network("vit")
    image, text = find_targets(found, ["image"], None), find_targets(found, ["text"], None)
    assert ends(image) == ends(text) == {"q_proj", "k_proj", "v_proj", "out_proj"}
    assert len(image) == len(text) == 8
    assert find_targets(found, ["image", "text"], None) == image + text


def test_timm_transformers_have_one_layer_for_queries_keys_and_values(network):
    names = find_targets(network("timm-vit"), ["image"], None)
    assert ends(names) == {"qkv", "proj"}
    assert "visual.head.proj" in names
    assert "visual.trunk.patch_embed.proj" not in names


def test_hugging_face_text_towers(network):
    names = find_targets(network("hf-text"), ["text"], None)
    assert {"query", "key", "value", "proj"} <= ends(names)
    assert not any("intermediate" in name for name in names)


def test_convolutional_towers_are_adapted_in_pointwise_convolutions(network):
    found = network("efficientnet")
    names = find_targets(found, ["image"], None)
    assert "visual.head.proj" in names
    for name in set(names) - {"visual.head.proj"}:
        layer = found.get_submodule(name)
        assert layer.kernel_size == (1, 1)
        assert layer.groups == 1
    assert find_targets(network("resnet"), ["image"], ["attnpool.*"]) == [
        f"visual.attnpool.{name}_proj" for name in "kqvc"
    ]


def test_a_tower_without_either_is_adapted_in_all_linear_layers(network):
    assert ends(find_targets(network("convnext"), ["image"], None)) == {"fc1", "fc2", "proj"}


def test_patterns_are_names_ends_or_wildcards(network):
    found = network("vit")
    assert find_targets(found, ["image"], ["mlp.c_fc"]) == [
        f"visual.transformer.resblocks.{i}.mlp.c_fc" for i in (0, 1)
    ]
    assert find_targets(found, ["image"], ["visual.*.1.attn.[qv]_proj"]) == [
        f"visual.transformer.resblocks.1.attn.{name}_proj" for name in "qv"
    ]


def test_a_pattern_for_one_of_two_towers_is_enough(network):
    names = find_targets(network("efficientnet"), ["image", "text"], ["conv_pw", "q_proj"])
    assert ends(names) == {"conv_pw", "q_proj"}


@pytest.mark.parametrize("patterns", [["nothing"], ["q_proj", "nothing"], ["proj"]])
def test_a_pattern_that_matches_nothing_names_what_there_is(network, patterns):
    with pytest.raises(
        RecipeError, match=rf"'{patterns[-1]}' matches no .* image tower; there are .*attn\.q_proj \(2\)"
    ):
        find_targets(network("vit"), ["image"], patterns)


def test_layers_that_stock_attention_reads_without_calling_are_not_offered(model):
    with pytest.raises(RecipeError, match="out_proj"):
        find_targets(model("vit").load().network, ["image"], ["out_proj"])


def test_exactly_matches_no_other_tower(network):
    found = network("vit")
    names = find_targets(found, ["text"], None)
    pattern = re.compile(exactly(names))
    assert [name for name, _ in found.named_modules() if pattern.fullmatch(name)] == names
