from collections import defaultdict
from pathlib import Path

import pytest

import benchmarks.suites
from workbench.datasets import cards, resolve_card
from workbench.models import models
from workbench.recipes import recipes
from workbench.runs import load_suite, plan

FILES = sorted(Path(benchmarks.suites.__path__[0]).glob("*.toml"))


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def suite(request):
    return load_suite(request.param.stem)


def test_there_is_a_suite_for_every_field_and_for_the_quick_start():
    assert {"quickstart", "medical", "botany", "robotics", "local-data"} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_suite_is_called_as_its_file(path):
    assert load_suite(str(path)).name == path.stem


def test_datasets_and_recipes_are_registered(suite):
    assert set(suite.arguments) <= set(cards.names())
    assert {entry.recipe for entry in suite.recipes} <= set(recipes.names())


def test_recipe_settings_are_valid(suite):
    for entry in suite.recipes:
        recipes.get(entry.recipe).Config(**entry.config)


def test_labels_tell_entries_of_one_recipe_apart(suite):
    labels = [entry.label or entry.recipe for entry in suite.recipes]
    assert len(labels) == len(set(labels))


def test_models_are_registered_or_known_to_open_clip_with_the_right_activation(suite):
    from open_clip import list_pretrained
    from open_clip.pretrained import get_pretrained_cfg

    for model in suite.models:
        if model in models.names() or model.startswith("hf-hub:"):
            continue
        name, tag = model.split("/")
        assert (name, tag) in list_pretrained()
        wants_quick = get_pretrained_cfg(name, tag).get("quick_gelu", False)
        assert wants_quick == name.endswith("-quickgelu"), model


@pytest.mark.parametrize("field", ["medical", "botany", "robotics"])
def test_a_fields_suite_holds_its_datasets_alone(field):
    assert {resolve_card(name)[0].field for name in load_suite(field).datasets} == {field}


def test_quickstart_compares_its_recipes_at_equal_shots():
    at = defaultdict(set)
    for cell in plan(load_suite("quickstart")):
        at[cell.shots].add(cell.recipe)
    assert at[16] == {"linear-probe", "lora"}


def test_quickstart_needs_nothing_but_packages():
    suite = load_suite("quickstart")
    assert suite.models == ("offline-lite",)
    assert {resolve_card(name)[0].source.type for name in suite.datasets} == {"generator"}
    assert {resolve_card(name)[0].field for name in suite.datasets} == {"medical", "botany", "robotics"}
    assert sum(len(resolve_card(name)[0].classes) for name in suite.datasets) <= 20
