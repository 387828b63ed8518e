"""The ranks of a card: from columns, from the card, nested, complete."""

import pytest

from workbench.datasets.card_reading import parse_card
from workbench.datasets.sources import Location, Record
from workbench.datasets.taxa import taxonomy_of
from workbench.errors import CardError, DataError

CLASSES = {"qr": "Quercus robur", "qi": "Quercus ilex", "fs": "Fagus sylvatica"}
ROWS = {"qr": ("Quercus", "Fagaceae"), "qi": ("Quercus", "Fagaceae"), "fs": ("Fagus", "Fagaceae")}


def card(text):
    head = 'name = "trees"\n'
    return parse_card(f'{head}{text}\n[source]\ntype = "csv"\npath = "t.csv"\n', "trees.toml")


def records(rows=ROWS):
    for key, (genus, family) in rows.items():
        extra = f'{{"genus": "{genus}", "family": "{family}", "none": null}}'
        yield Record(f"{key}.jpg", Location("t.csv"), (key,), extra=extra)


COLUMNS = '[columns]\nlabel = "species"\nranks = ["genus", "family"]'


def test_columns_name_the_ranks():
    found = taxonomy_of(card(COLUMNS), records(), CLASSES)
    assert found.levels == ("species", "genus", "family")
    assert found.taxa == (("Quercus", "Quercus", "Fagus"), ("Fagaceae",) * 3)
    assert taxonomy_of(card(""), records(), CLASSES) is None


def test_the_card_goes_before_the_columns_and_names_classes_either_way():
    text = '[ranks.genus]\nqr = "Q."\n"Quercus ilex" = "Q."\n[ranks.order]\nqr = "F"\nqi = "F"\nfs = "F"\n' + COLUMNS
    found = taxonomy_of(card(text), records(), CLASSES)
    assert found.ranks == ("genus", "family", "order")
    assert found.taxa[0] == ("Q.", "Q.", "Fagus")


def test_images_of_other_classes_are_not_asked():
    others = [*records(), Record("x.jpg", Location("t.csv"), ("other",), extra='{"genus": "G", "family": "H"}')]
    assert "G" not in taxonomy_of(card(COLUMNS), others, CLASSES).taxa[0]


@pytest.mark.parametrize(
    ("text", "rows", "words"),
    [
        (
            COLUMNS.replace('"family"', '"fam"'),
            ROWS,
            "no image has a column 'fam', which columns.ranks of the card names",
        ),
        (COLUMNS.replace('"family"', '"none"'), ROWS, r"3 of 3 classes have no none .* write it into \[ranks.none\]"),
        ('[columns]\nranks = ["family", "genus"]', ROWS, "family 'Fagaceae' is of two taxa of the rank genus"),
        (COLUMNS, {**ROWS, "qi": ("Quercus", "Rosaceae")}, "genus 'Quercus' is of two taxa of the rank family"),
        ('[ranks.genus]\nqr = "Quercus"', ROWS, "2 of 3 classes have no genus"),
    ],
)
def test_what_is_no_hierarchy_is_refused(text, rows, words):
    with pytest.raises(DataError, match=words):
        taxonomy_of(card(text), records(rows), CLASSES)


def test_two_taxa_of_one_class_are_refused():
    twice = [*records(), *records({"qr": ("Querkus", "Fagaceae")})]
    with pytest.raises(DataError, match="images of 'qr' are of two taxa in column 'genus': 'Quercus' and 'Querkus'"):
        taxonomy_of(card(COLUMNS), twice, CLASSES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ranks.genus]\nqx = "Quercus"\nqr = "Q"\nqi = "Q"\nfs = "F"', "ranks.genus is for 'qx', which is no class"),
        ("[decisions]\nbackoff = 0.9", "decisions.backoff needs ranks to back off to"),
        ("frequency = [100, 20]", "few up to many"),
        ('multi_label = true\n[columns]\nlabel = "l"\nranks = ["genus"]', "one label an image"),
    ],
)
def test_cards_that_cannot_be_are_refused(text, words):
    with pytest.raises(CardError, match=words):
        taxonomy_of(card(text), records(), CLASSES)
