"""Classes, prompts, groups, fingerprints and notes of an open dataset."""

from pathlib import Path

import numpy as np
import pytest

from workbench.datasets import Dataset, open_card
from workbench.datasets.card_reading import parse_card
from workbench.errors import CardError, DataError


@pytest.fixture
def opened(tmp_path: Path, settings, jpeg):
    """Opens a table of `file_name,label,split,group,caption` under a card with additions."""

    def make(
        rows: list[tuple[str, ...]], head: str = "", tables: str = "", columns: str = "label split group caption"
    ) -> Dataset:
        root = tmp_path / "set"
        root.mkdir(exist_ok=True)
        lines = [",".join(["file_name", *columns.split()])]
        for row in rows:
            if not (root / row[0]).exists():
                (root / row[0]).write_bytes(jpeg(int("".join(filter(str.isdigit, row[0])) or 0)))
            lines.append(",".join(row))
        (root / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
        text = f'name = "demo"\n{head}\n[source]\ntype = "folder"\npath = "set"\n{tables}'
        return open_card(parse_card(text, "demo.toml"), tmp_path, settings)

    return make


def plain(n: int = 12) -> list[tuple[str, ...]]:
    splits = ("train", "train", "val", "test")
    return [(f"{i}.jpg", "ab"[i % 2], splits[i // 2 % 4], f"g{i // 2}", f"caption {i}") for i in range(n)]


CLASSES = '[classes]\nb = "bee"\na = "ant"\nc = "cat"\n'


def test_card_classes_give_order_and_names_and_may_be_empty(opened):
    dataset = opened(plain(16), tables=CLASSES)
    assert dataset.class_keys == ("b", "a", "c")
    assert dataset.class_names == ("bee", "ant", "cat")
    rows = dataset.rows("train")
    labels = [{"b": 0, "a": 1}["ab"[int(name.removesuffix(".jpg")) % 2]] for name in dataset.ids(rows)]
    assert dataset.labels(rows).tolist() == labels
    assert dataset.labels(rows).dtype == np.int64
    assert "1 of 3 classes have no image: cat." in dataset.notes


def test_a_label_that_the_card_lacks_names_label_and_image(opened):
    rows = [*plain(16), ("99.jpg", "bb", "train", "g", "x")]
    with pytest.raises(DataError, match=r"99\.jpg has the label 'bb', which \[classes\].*Did you mean 'b'"):
        opened(rows, tables=CLASSES)


def test_a_label_only_in_test_is_kept_and_noted(opened):
    dataset = opened([*plain(16), ("99.jpg", "rare", "test", "g", "x")])
    assert dataset.class_names == ("a", "b", "rare")
    assert dataset.class_counts("test").tolist() == [2, 2, 1]
    assert dataset.class_counts("train")[2] == 0
    assert "1 of 3 classes have no training image: rare." in dataset.notes


def test_classes_that_only_other_splits_have_are_counted(opened):
    rare = [("98.jpg", "shown", "train", "g", "x"), ("99.jpg", "kept", "val", "g", "x")]
    notes = opened([*plain(16), *rare]).notes
    assert "1 of 4 classes have no training image: kept." in notes
    assert "2 of 4 classes have no test image, so no number tells of them: kept, shown." in notes
    assert not any("test image" in note or "training image" in note for note in opened(plain(16)).notes)


def test_a_class_whose_test_images_are_missing_has_none(opened, tmp_path):
    rows = [*plain(16), ("97.jpg", "c", "train", "g", "x"), ("98.jpg", "c", "test", "g", "x")]
    assert not any("test image" in note for note in opened(rows).notes)
    (tmp_path / "set" / "98.jpg").write_bytes(b"")
    rows[0] = ("0.jpg", "a", "train", "g0", "another table")  # Else its times could be equal.
    assert "1 of 3 classes have no test image, so no number tells of them: c." in opened(rows).notes


def test_two_classes_of_one_name_are_refused(opened):
    with pytest.raises(CardError, match="2 classes are named 'ant'"):
        opened(plain(), tables='[classes]\na = "ant"\nb = "ant"\n')


def test_groups_are_codes_alike_across_splits(opened):
    rows = plain(16)
    rows[3] = (*rows[3][:3], "", rows[3][4])
    dataset = opened(rows)
    codes = dataset.groups(range(16))
    names = dataset.group_names(range(16))
    assert codes.dtype == np.int64
    for i in range(16):
        for j in range(16):
            same = names[i] == names[j] if names[i] and names[j] else i == j
            assert (codes[i] == codes[j]) == same
    assert opened(plain(), columns="label split who caption").groups(range(4)) is None


def test_divided_groups_are_noted(opened):
    rows = [(*row[:3], "same" if i in {0, 6} else row[3], row[4]) for i, row in enumerate(plain(16))]
    assert any("1 groups stand in more than one split: same." in note for note in opened(rows).notes)


def test_rows_of_a_split_come_in_the_order_of_their_hashes(opened):
    dataset = opened(plain(16))
    for split in ("train", "val", "test"):
        digests = [row.tobytes() for row in dataset.hashes(dataset.rows(split))]
        assert digests == sorted(digests)


@pytest.mark.parametrize("what", ["label", "split", "group", "caption"])
def test_the_fingerprint_sees_what_determines_results(opened, what):
    before = opened(plain(16)).fingerprint
    assert opened(plain(16)).fingerprint == before
    rows = plain(16)
    column = ("label", "split", "group", "caption").index(what) + 1
    rows[0] = (*rows[0][:column], {"label": "b", "split": "test"}.get(what, "other"), *rows[0][column + 1 :])
    assert opened(rows).fingerprint != before


def test_the_fingerprint_sees_classes_and_prompts_but_no_prose(opened):
    classes = '[classes]\na = "ant"\nb = "bee"\n'
    prints = [
        opened(plain(), head=head, tables=tables).fingerprint
        for head, tables in (
            ("", classes),
            ('title = "A title"\nlicence = "MIT"', classes),
            ("", classes.replace("ant", "aunt")),
            ("", '[classes]\nb = "bee"\na = "ant"\n'),
            ("", classes + '[prompts]\ntemplates = ["a {}."]\n'),
            ("", classes + '[prompts.descriptions]\nant = ["It has six legs."]\n'),
        )
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 5


def test_splits_that_were_made_are_known_and_a_made_validation_split_is_another_dataset(opened):
    rows = [(f"{i}.jpg", "ab"[i % 2], "train" if i < 16 else "test", f"g{i}", "") for i in range(20)]
    dataset = opened(rows)
    assert dataset.made_splits == ("val",)
    held = set(dataset.ids(dataset.rows("val")))
    assert held
    assert opened(rows).made_splits == ("val",)  # From the cached manifest.
    given = opened([(*row[:2], "val" if row[0] in held else row[2], *row[3:]) for row in rows])
    assert given.made_splits == ()
    assert set(given.ids(given.rows("val"))) == held
    assert given.fingerprint != dataset.fingerprint


def test_descriptions_come_from_card_and_file_by_name_or_label(opened, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "words.csv").write_text(
        'label,text\na,"Small, black."\na,It bites.\nelsewhere,Not ours.\n', encoding="utf-8"
    )
    tables = (
        '[classes]\na = "ant"\nb = "bee"\n'
        '[prompts]\ntemplates = ["a {}.", "the {}."]\ndescriptions_file = "words.csv"\n'
        '[prompts.descriptions]\nbee = ["It stings."]\n'
    )
    prompts = opened(plain(), tables=tables).prompts
    assert prompts.class_names == ("ant", "bee")
    assert prompts.templates == ("a {}.", "the {}.")
    assert prompts.descriptions == {"ant": ("Small, black.", "It bites."), "bee": ("It stings.",)}


def test_a_description_for_no_class_is_an_error(opened):
    dataset = opened(plain(), tables='[classes]\na = "ant"\nb = "bee"\n[prompts.descriptions]\nbeee = ["x"]\n')
    with pytest.raises(CardError, match=r"'beee', which is no class\. Did you mean 'bee'"):
        _ = dataset.prompts


def test_a_descriptions_file_with_other_columns_names_them(opened, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "words.csv").write_text("name,text\na,x\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"words\.csv: descriptions need the columns label and text; there are: name"):
        opened(plain(), tables='[prompts]\ndescriptions_file = "words.csv"\n')


def test_test_only_data_is_open_and_says_so(opened):
    dataset = opened([(*row[:2], "test", *row[3:]) for row in plain()])
    assert len(dataset.rows("test")) == 12
    assert len(dataset.rows("train")) == 0
    assert "There is no train split." in dataset.notes


def test_labels_are_the_same_however_their_letters_are_composed(opened):
    rows = [(*row[:1], ("caf\u00e9", "cafe\u0301", "b")[i % 3], *row[2:]) for i, row in enumerate(plain())]
    assert opened(rows).class_names == ("b", "caf\u00e9")
    assert opened(rows, tables='[classes]\nb = "b"\n"cafe\u0301" = "coffee"\n').class_names == ("b", "coffee")
