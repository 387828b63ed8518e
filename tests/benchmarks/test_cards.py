"""Every card that ships is usable, registered, and says what it must."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import benchmarks
from workbench.datasets import list_cards, read_card

ROOT = Path(next(iter(benchmarks.__path__)))
FILES = sorted(path for path in ROOT.glob("*/*.toml") if path.parent.name not in {"suites", "models"})
HUB = [path for path in FILES if read_card(path).source.type == "hub"]
LOCAL = {"grocery-store", "chula-rbc12", "flowers102", "nlvr"}
PYPROJECT = ROOT.parent / "pyproject.toml"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_card_is_complete(path):
    card = read_card(path)
    assert card.name == path.stem
    assert card.field == path.parent.name
    for key in ("title", "description", "licence", "citation", "homepage", "protocol"):
        assert getattr(card, key), key
    # Of others the data is here, or made.
    assert card.source.type in {"hub", "coco"} or card.verified
    assert not (card.source.type == "hub" and card.verified), "a hub card counts as verified once it has been read"
    assert len(set(card.classes.values())) == len(card.classes)
    if card.task == "classification":
        assert len(set(card.prompts.templates)) >= 3
    assert all(template.count("{}") == 1 for template in card.prompts.templates)


@pytest.mark.parametrize("path", HUB, ids=lambda path: path.stem)
def test_a_hub_card_can_be_asked_for(path):
    source = read_card(path).source
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.id)
    # The Hub knows full commit hashes, tags and refs, but no abbreviated hashes.
    assert not re.fullmatch(r"[0-9a-f]{4,39}", source.revision or "")


@pytest.mark.parametrize("path", HUB, ids=lambda path: path.stem)
def test_class_names_are_words(path):
    card = read_card(path)
    assert not [name for name in card.classes.values() if "_" in name or name.isdecimal() or name != name.strip()]


def test_every_card_is_registered_and_every_entry_has_its_card():
    listed = {entry.name: entry for entry in list_cards() if entry.provider.startswith("clip-workbench")}
    assert set(listed) == {path.stem for path in FILES}
    assert all(entry.problem is None for entry in listed.values())


def test_six_public_sets_a_field_and_the_generated_one():
    cards = [read_card(path) for path in FILES]
    public = Counter(card.field for card in cards if card.source.type == "hub")
    calls = {(card.field, card.source.call) for card in cards if card.source.type == "generator"}
    generated = Counter(field for field, _ in calls)
    assert all(public[field] >= 6 for field in ("medical", "botany", "robotics"))
    assert generated == {"medical": 2, "botany": 2, "robotics": 2}, "each has its domains, too"
    assert {card.name for card in cards} >= LOCAL


def test_entry_points_name_the_folder_of_their_card():
    entries = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["entry-points"]["workbench.datasets"]
    assert {name: value.rpartition(".")[2] for name, value in entries.items()} == {
        path.stem: path.parent.name for path in FILES
    }
