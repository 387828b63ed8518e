"""Written cards read back equal, with comments for whoever edits them."""

import pytest

from workbench.datasets import card_to_toml, open_dataset, parse_card

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


def test_a_card_that_leaves_the_image_column_out_still_opens_when_written(tmp_path, settings, make_colours):
    images = make_colours()
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["file_name,label"]
    for path in sorted(images.rglob("*.png")):
        name = f"{path.parent.parent.name}-{path.parent.name}-{path.name}"
        path.rename(folder / name)
        lines.append(f"{name},{path.parent.name}")
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    by_hand = tmp_path / "by-hand.toml"
    by_hand.write_text(
        'name = "photos"\n[source]\ntype = "folder"\npath = "photos"\n[columns]\nlabel = "label"\n', encoding="utf-8"
    )
    first = open_dataset(str(by_hand), settings)
    written = tmp_path / "written.toml"
    written.write_text(card_to_toml(first.card), encoding="utf-8")
    assert open_dataset(str(written), settings).fingerprint == first.fingerprint
