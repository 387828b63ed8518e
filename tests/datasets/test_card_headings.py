"""A list of cards is read from their files alone, and says what validated cards say."""

import pytest

from tests.datasets.test_catalogue import CARD
from workbench.datasets import list_cards
from workbench.datasets.card_headings import heading_of, list_headings


def test_headings_are_those_of_the_validated_cards():
    headings = {listing.name: listing.heading for listing in list_headings()}
    validated = {listing.name: heading_of(listing.card) for listing in list_cards() if listing.card is not None}
    assert len(validated) >= 40
    assert {name: headings[name] for name in validated} == validated


def test_what_a_card_leaves_out_is_as_in_a_validated_card(plugin):
    text = '[source]\ntype = "folder"\npath = "x"\n[columns]\nlabel = "label"\n'
    plugin({"bare": "barepack"}, {"barepack/__init__.py": "", "barepack/bare.toml": f'name = "bare"\n{text}'})
    (heading,) = [listing.heading for listing in list_headings() if listing.name == "bare"]
    (card,) = [listing.card for listing in list_cards() if listing.name == "bare"]
    assert heading == heading_of(card)
    assert (heading.field, heading.task, heading.licence) == ("unspecified", "classification", "unknown")


def test_a_card_in_python_is_listed_too(plugin):
    module = f"from workbench.datasets import parse_card\nCARD = parse_card({CARD.format('mossy', 'x')!r}, 'here')\n"
    plugin({"mossy": "mossy_module:CARD"}, {"mossy_module.py": module})
    (listing,) = [listing for listing in list_headings() if listing.name == "mossy"]
    assert listing.heading.field == "botany"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("b-broken", "name = ", "b-broken.toml"),
        ("b-other", CARD.format("another", "x"), "name = 'another'"),
        ("b-gone", None, "b-gone.toml"),
        ("b-odd", 'name = "b-odd"\nfield = 7\n[source]\ntype = "folder"\n', "field"),
    ],
)
def test_a_card_that_cannot_be_read_says_why(plugin, name, content, problem):
    files = {"bpack/__init__.py": "", **({} if content is None else {f"bpack/{name}.toml": content})}
    plugin({name: "bpack"}, files)
    (listing,) = [listing for listing in list_headings() if listing.name == name]
    assert listing.heading is None
    assert problem in listing.problem
