"""Registered cards: found without importing plug-ins, broken ones listed with their reason."""

import sys

import pytest

from workbench.datasets import cards, list_cards, open_dataset
from workbench.errors import WorkbenchError

CARD = 'name = "{}"\nfield = "botany"\n[source]\ntype = "folder"\npath = "{}"\n[columns]\nlabel = "label"\n'


def test_a_plugins_card_is_listed_without_importing_it(plugin):
    plugin({"ferns": "fernery.cards"}, {
        "fernery/__init__.py": "",
        "fernery/cards/__init__.py": "raise RuntimeError('imported')",
        "fernery/cards/ferns.toml": CARD.format("ferns", "ferns"),
    })  # fmt: skip
    (found,) = [listing for listing in list_cards() if listing.name == "ferns"]
    assert found.provider == "herbaria 1.2"
    assert found.problem is None
    assert (found.card.field, found.card.source.type, found.card.verified) == ("botany", "folder", True)
    assert "fernery.cards" not in sys.modules


def test_data_may_lie_beside_a_plugins_card(plugin, class_folders, tmp_path, settings):
    plugin({"flora-kit": "florakit"}, {
        "florakit/__init__.py": "",
        "florakit/flora-kit.toml": CARD.format("flora-kit", "../../flora"),
    })  # fmt: skip
    assert len(open_dataset("flora-kit", settings)) == 60


def test_an_entry_may_be_a_path_or_a_card(plugin):
    module = (
        "from pathlib import Path\n"
        "from workbench.datasets import parse_card\n"
        "HERE = Path(__file__).parent / 'one.toml'\n"
        f"CARD = parse_card({CARD.format('mossy-two', 'x')!r}, 'here')\n"
        "WRONG = 7\n"
    )
    plugin(
        {"mossy-one": "mossy_cards:HERE", "mossy-two": "mossy_cards:CARD", "mossy-three": "mossy_cards:WRONG"},
        {"mossy_cards.py": module, "one.toml": CARD.format("mossy-one", "x")},
    )
    assert cards.get("mossy-one").card.name == "mossy-one"
    assert cards.get("mossy-two").folder is None
    with pytest.raises(WorkbenchError, match=r"mossy-three.*a path or a DatasetCard"):
        cards.get("mossy-three")


def test_broken_cards_do_not_stop_the_others(plugin):
    plugin(
        {"b-typo": "bpack", "b-gone": "bpack", "b-name": "bpack", "b-none": "no_such_package_here", "b-good": "bpack"},
        {
            "bpack/__init__.py": "",
            "bpack/b-typo.toml": CARD.format("b-typo", "x").replace("field", "feild"),
            "bpack/b-name.toml": CARD.format("other", "x"),
            "bpack/b-good.toml": CARD.format("b-good", "x"),
        },
    )
    problems = {listing.name: listing.problem for listing in list_cards() if listing.name.startswith("b-")}
    assert problems["b-good"] is None
    assert "Did you mean 'field'" in problems["b-typo"]
    assert "b-gone.toml" in problems["b-gone"]
    assert "name = 'other'" in problems["b-name"]
    assert "no_such_package_here" in problems["b-none"]


def test_a_name_that_two_distributions_claim_names_both(plugin):
    for name in ("left", "right"):
        plugin({"twice": f"{name}_pack"}, {
            f"{name}_pack/__init__.py": "",
            f"{name}_pack/twice.toml": CARD.format("twice", "x"),
        }, name=name)  # fmt: skip
    (found,) = [listing for listing in list_cards() if listing.name == "twice"]
    assert "left 1.2" in found.problem
    assert "right 1.2" in found.problem
