"""A card that extends another has its values, but for those that it gives itself."""

import pytest

from workbench.datasets import open_dataset, resolve_card
from workbench.datasets.card_reading import read_card
from workbench.errors import CardError
from workbench.settings import Settings

BASE = """
name = "mossy"
title = "Mossy things"
field = "botany"
[source]
type = "folder"
path = "pictures"
[columns]
label = "label"
[classes]
fern = "a fern"
moss = "a moss"
[prompts]
templates = ["a photo of {}.", "{}."]
"""


def _card(folder, text, name="own.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_tables_are_merged_and_everything_else_is_replaced(tmp_path):
    _card(tmp_path, BASE, "base.toml")
    own = (
        'name = "wet"\nextends = "base.toml"\ntitle = "Wet"\n[classes]\nmoss = "wet moss"\n'
        '[prompts]\ntemplates = ["{}"]\n'
    )
    card = read_card(_card(tmp_path, own))
    assert (card.name, card.title, card.field) == ("wet", "Wet", "botany")
    assert card.classes == {"fern": "a fern", "moss": "wet moss"}
    assert card.prompts.templates == ("{}",)
    assert card.source.path == "pictures"


def test_an_empty_text_takes_a_value_out(tmp_path):
    _card(tmp_path, f"{BASE}[splits]\ngroup_pattern = '(.)'\n", "base.toml")
    card = read_card(_card(tmp_path, 'name = "wet"\nextends = "base.toml"\nfield = ""\n[splits]\ngroup_pattern = ""\n'))
    assert (card.field, card.splits.group_pattern) == ("unspecified", None)


def test_a_registered_card_is_extended_by_its_name(tmp_path):
    own = 'name = "few-leaves"\nextends = "leaf-morphology"\n[source.options]\nspecimens = 7\n'
    base, _ = resolve_card("leaf-morphology")
    card = read_card(_card(tmp_path, own))
    assert card.source.options == {"specimens": 7}
    assert card.source.call == base.source.call
    assert card.classes == base.classes


def test_cards_may_be_extended_in_turn(tmp_path):
    _card(tmp_path, BASE, "base.toml")
    _card(tmp_path, 'name = "wet"\nextends = "base.toml"\ntitle = "Wet"\n', "wet.toml")
    card = read_card(_card(tmp_path, 'name = "wetter"\nextends = "wet.toml"\n'))
    assert (card.name, card.title, card.field) == ("wetter", "Wet", "botany")


def test_relative_paths_start_from_the_card_that_has_them(tmp_path, class_folders):
    text = BASE.replace("pictures", class_folders.name).replace('fern = "a fern"\nmoss = "a moss"\n', "")
    _card(class_folders.parent, text, "base.toml")
    other = tmp_path / "other"
    other.mkdir()
    path = _card(other, 'name = "wet"\nextends = "../base.toml"\n')
    dataset = open_dataset(str(path), Settings(cache=tmp_path / "cache"))
    assert len(dataset) == 60


def test_a_source_of_another_type_replaces_the_whole_table(tmp_path):
    _card(tmp_path, BASE, "base.toml")
    own = 'name = "wet"\nextends = "base.toml"\n[source]\ntype = "generator"\ncall = "leaf-morphology"\n'
    assert read_card(_card(tmp_path, own)).source.call == "leaf-morphology"


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ('"own.toml"', "extends itself"),
        ('"there.toml"', "there.toml"),
        ('"leaf-morpology"', "leaf-morphology"),
        ("3", "expected the name of a dataset"),
        ('""', "expected the name of a dataset"),
    ],
)
def test_what_cannot_be_extended_is_said(tmp_path, extends, said):
    with pytest.raises(CardError, match=said) as refused:
        read_card(_card(tmp_path, f'name = "own"\nextends = {extends}\n'))
    assert "extends" in str(refused.value) or "there.toml" in str(refused.value)


def test_two_cards_that_extend_one_another_are_refused(tmp_path):
    _card(tmp_path, 'name = "a"\nextends = "b.toml"\n', "a.toml")
    path = _card(tmp_path, 'name = "b"\nextends = "a.toml"\n', "b.toml")
    with pytest.raises(CardError, match="by way of other cards"):
        read_card(path)


def test_a_card_in_python_cannot_be_extended(tmp_path, plugin):
    module = f"from workbench.datasets import parse_card\nCARD = parse_card({BASE!r}, 'here')\n"
    plugin({"mossy": "mossy_module:CARD"}, {"mossy_module.py": module})
    with pytest.raises(CardError, match="written in Python"):
        read_card(_card(tmp_path, 'name = "own"\nextends = "mossy"\n'))


def test_a_wrong_key_is_named_with_the_file_that_was_asked_for(tmp_path):
    _card(tmp_path, BASE, "base.toml")
    with pytest.raises(CardError, match=r"own\.toml.*titel"):
        read_card(_card(tmp_path, 'name = "own"\nextends = "base.toml"\ntitel = "Wet"\n'))
