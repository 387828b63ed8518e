"""Written cards read back equal, with comments for whoever edits them."""

import pytest

from workbench.datasets import card_to_toml, parse_card

CARDS = [
    'name = "a"\n[source]\ntype = "folder"\npath = "C:\\\\data \\"x\\""\n',
    'name = "b"\ntask = "retrieval"\n[source]\ntype = "csv"\npath = {train = "t.csv", test = "u.csv"}\nroot = "."\n'
    '[columns]\nimage = "file"\ncaption = "says"\n',
    'name = "c"\nmulti_label = true\nverified = false\n[source]\ntype = "generator"\ncall = "m.n:f"\n'
    "options = {n = 3, hard = true, share = 0.5}\n[splits]\nseed = 3\nval = \"dev\"\n",
    'name = "d"\n[source]\ntype = "hub"\nid = "org/name"\nrevision = "abc"\n[classes]\n"0" = "schön"\n"1 2" = "b.c"\n'
    '[prompts]\ntemplates = ["a {}.", "the {}."]\n[prompts.descriptions]\n"b.c" = ["one", "two"]\n',
]  # fmt: skip


@pytest.mark.parametrize("text", CARDS)
def test_written_cards_read_back_equal(text):
    card = parse_card(text, "one")
    written = card_to_toml(card)
    assert parse_card(written, "two") == card
    assert "# " in written
