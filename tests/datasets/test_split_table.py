"""Published splits: CoOp's JSON and the JSONL of 2SFS."""

import json

import pytest

from workbench.datasets import open_card, parse_card
from workbench.datasets.card_writing import card_to_toml, without_absolute_paths
from workbench.errors import CardError, DataError

PETS = """
name = "pets"
[source]
type = "folder"
path = "oxford_pets/images"
class_folder = "none"
[splits]
file = {file}
"""
FOLDERS = PETS.replace('class_folder = "none"', "").replace("oxford_pets/images", "dtd").replace("[splits]", """
[columns]
label = "label"
[splits]""")  # fmt: skip
# As in split_zhou_OxfordPets.json: labels count from 0 in no order of the alphabet, and species are lower case.
BREEDS = {"pug": 0, "basset_hound": 1, "abyssinian": 2}


def name_of(breed, i):
    return f"{breed.title()}_{i}.jpg"


@pytest.fixture
def pets(tmp_path, jpeg):
    """Flat images, twelve a breed, of which the last two are in no split."""
    folder = tmp_path / "oxford_pets" / "images"
    folder.mkdir(parents=True)
    rows = {"train": [], "val": [], "test": []}
    for breed, label in BREEDS.items():
        for i in range(12):
            (folder / name_of(breed, i)).write_bytes(jpeg(100 * label + i))
        for split, numbers in {"train": range(4), "val": range(4, 6), "test": range(6, 10)}.items():
            rows[split] += [[name_of(breed, i), label, breed] for i in numbers]
    (tmp_path / "oxford_pets" / "split_zhou_OxfordPets.json").write_text(json.dumps(rows))
    return rows


def opened(tmp_path, settings, file='"oxford_pets/split_zhou_OxfordPets.json"', card=PETS):
    return open_card(parse_card(card.replace("{file}", file), "x"), tmp_path, settings)


def of_split(dataset, split):
    rows = dataset.rows(split)
    names = [dataset.class_keys[label] for label in dataset.labels(rows).tolist()]
    return sorted(zip(dataset.ids(rows), names, strict=True))


def test_splits_classes_and_labels_are_those_of_the_file(tmp_path, pets, settings):
    dataset = opened(tmp_path, settings)
    assert dataset.class_keys == tuple(BREEDS), "in the order of the labels"
    assert dataset.class_names == ("pug", "basset hound", "abyssinian")
    for split, rows in pets.items():
        assert of_split(dataset, split) == sorted((path, name) for path, _, name in rows)
    assert dataset.made_splits == ()
    (note,) = [note for note in dataset.notes if "does not list" in note]
    assert note.startswith("6 images are left out, since oxford_pets/split_zhou_OxfordPets.json does not list them: ")
    assert "Abyssinian_10.jpg" in note


def test_a_few_shot_draw_of_2sfs_with_the_test_images_of_the_json(tmp_path, pets, settings):
    folder = tmp_path / "oxford_pets" / "split_fewshot"
    folder.mkdir()
    shots = {"train": [row for row in pets["train"] if "_1." in row[0]], "val": pets["val"][:2]}
    for split, rows in shots.items():
        lines = [
            {
                "_impath": f"/leonardo/work/data/oxford_pets/images/{path}",
                "_label": label,
                "_domain": 0,
                "_classname": n,
            }
            for path, label, n in rows
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"shot_1-seed_1_{split}.jsonl").write_text(text)
    files = {split: f"oxford_pets/split_fewshot/shot_1-seed_1_{split}.jsonl" for split in shots}
    files["test"] = "oxford_pets/split_zhou_OxfordPets.json"
    inline = "{ " + ", ".join(f'{key} = "{name}"' for key, name in files.items()) + " }"
    dataset = opened(tmp_path, settings, inline)
    for split, rows in {**shots, "test": pets["test"]}.items():
        assert of_split(dataset, split) == sorted((path, name) for path, _, name in rows)


@pytest.fixture
def textures(tmp_path, jpeg):
    """Class folders, whose names the file spells otherwise; one number stands in two folders."""
    rows = {"train": [], "val": [], "test": []}
    for label, folder in enumerate(("polka_dotted", "banded")):
        (tmp_path / "dtd" / folder).mkdir(parents=True)
        for i in range(6):
            (tmp_path / "dtd" / folder / f"{i}.jpg").write_bytes(jpeg(10 * label + i))
            rows[("train", "val", "test")[i // 2]].append([f"{folder}/{i}.jpg", label, folder.replace("_", " ")])
    (tmp_path / "split.json").write_text(json.dumps(rows))
    return rows


def test_own_labels_hold_and_take_their_names_from_the_file(tmp_path, textures, settings):
    dataset = opened(tmp_path, settings, '"split.json"', FOLDERS)
    assert dataset.class_keys == ("polka_dotted", "banded")
    assert dataset.class_names == ("polka dotted", "banded")
    assert [len(dataset.rows(split)) for split in ("train", "val", "test")] == [4, 4, 4]
    named = FOLDERS + '[classes]\npolka_dotted = "dots"\nbanded = "bands"\n'
    assert opened(tmp_path, settings, '"split.json"', named).class_names == ("dots", "bands"), "the card's own hold"


def test_what_is_missing_or_labelled_otherwise_is_said(tmp_path, textures, settings):
    textures["test"] += [["banded/77.jpg", 1, "banded"], ["banded/78.jpg", 1, "banded"]]
    textures["train"][0][1:] = [1, "banded"]
    (tmp_path / "split.json").write_text(json.dumps(textures))
    dataset = opened(tmp_path, settings, '"split.json"', FOLDERS)
    notes = " ".join(dataset.notes)
    assert "2 images of split.json are not there: banded/77.jpg, banded/78.jpg." in notes
    assert "1 image has another class in split.json than its own label, which holds." in notes
    textures["train"] = [[path, label, "thing"] for path, label, _ in textures["train"]]
    textures["val"], textures["test"] = textures["train"][:1], textures["train"][1:2]
    textures["train"] = textures["train"][2:]
    (tmp_path / "split.json").write_text(json.dumps(textures))
    dataset = opened(tmp_path, settings, '"split.json"', FOLDERS)
    assert "The classes of split.json are not those of the images' own labels, which hold." in " ".join(dataset.notes)
    assert set(dataset.class_names) == {"polka_dotted", "banded"}


def test_a_changed_file_is_read_anew_and_the_record_has_no_path(tmp_path, textures, settings):
    first = opened(tmp_path, settings, '"split.json"', FOLDERS)
    textures["val"], textures["test"] = textures["test"], textures["val"]
    (tmp_path / "split.json").write_text(json.dumps(textures))
    second = opened(tmp_path, settings, '"split.json"', FOLDERS)
    assert of_split(first, "val") == of_split(second, "test")
    whole = opened(tmp_path, settings, f'"{tmp_path}/split.json"', FOLDERS)
    assert 'file = "split.json"' in card_to_toml(without_absolute_paths(whole.card))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"train": [], "val": [], "test": []}, "names no image"),
        ({"train": [], "val": []}, "test is none"),
        ([], "expected lists train, val and test"),
        ({"train": [["a.jpg", "0", "x"]], "val": [], "test": []}, r"train 1: expected \[path, label, class name\]"),
        ({"train": [["z.jpg", 0, "x"]], "val": [], "test": []}, "names none of its 12 images; it names 'z.jpg'"),
        ({"train": [["0.jpg", 0, "x"]], "val": [], "test": []}, "which may be 'banded/0.jpg' and 'polka_dotted/0.jpg'"),
        (
            {"train": [["banded/0.jpg", 0, "x"]], "val": [["dtd/banded/0.jpg", 0, "x"]], "test": []},
            "names 'banded/0.jpg' twice, in train as 'x'",
        ),
    ],
)
def test_files_that_cannot_be_used(tmp_path, textures, settings, content, message):
    (tmp_path / "split.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        opened(tmp_path, settings, '"split.json"', FOLDERS)


def test_lines_and_cards_that_cannot_be_used(tmp_path, textures, settings):
    (tmp_path / "train.jsonl").write_text('{"_impath": "banded/0.jpg", "_label": 0}\n')
    with pytest.raises(
        DataError, match=r"train\.jsonl, line 1: expected an object with _impath, _label and _classname"
    ):
        opened(tmp_path, settings, '{ train = "train.jsonl" }', FOLDERS)
    with pytest.raises(DataError, match=r"a \.jsonl file holds one split; say which"):
        opened(tmp_path, settings, '"train.jsonl"', FOLDERS)
    with pytest.raises(DataError, match=r"'none\.json' was not found"):
        opened(tmp_path, settings, '"none.json"', FOLDERS)
    with pytest.raises(CardError, match=r"splits\.file says which images.*by = 'class'"):
        opened(tmp_path, settings, '"split.json"\nby = "class"', FOLDERS)
