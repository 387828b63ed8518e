import pytest

from workbench.models import has_batch_norm, tower_parameters


@pytest.mark.parametrize("family", ["vit", "hf-text", "coca"])
def test_towers_share_nothing_and_leave_only_what_belongs_to_neither(load_tiny, family):
    network = load_tiny(family).network
    image, text = tower_parameters(network, ["image"]), tower_parameters(network, ["text"])
    assert image
    assert text
    assert not image.keys() & text.keys()
    assert all(name.startswith("visual.") for name in image)
    left = {name for name, _ in network.named_parameters()} - image.keys() - text.keys()
    assert {name.split(".")[0] for name in left} <= {"logit_scale", "logit_bias", "text_decoder"}
    both = tower_parameters(network, ["image", "text"])
    own = dict(network.named_parameters())
    assert both.keys() == image.keys() | text.keys()
    assert all(parameter is own[name] for name, parameter in both.items())


@pytest.mark.parametrize(("family", "expected"), [("vit", False), ("resnet", True)])
def test_batch_norm_is_found_in_the_image_tower(load_tiny, family, expected):
    assert has_batch_norm(load_tiny(family).network) is expected
