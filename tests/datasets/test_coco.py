"""COCO's JSON: classes of whole images and of boxes, captions."""

import json

import numpy as np
import pytest

from tests.datasets.coco_files import BOXES, CATEGORIES, COLOURS, instances, write
from workbench.datasets import open_card, parse_card
from workbench.errors import CardError, DataError


@pytest.fixture
def opened(tmp_path, settings):
    """Writes JSON beside pictures and opens it with a card."""

    def make(content, source='path = "instances.json"\nroot = "val"', columns="", extra="", task="classification"):
        write(tmp_path / "instances.json", content)
        card = parse_card(
            f"name = 'x'\ntask = '{task}'\n{extra}\n[source]\ntype = 'coco'\n{source}\n[columns]\n{columns}\n", "x.toml"
        )
        return open_card(card, tmp_path, settings)

    return make


def one_colour(i):
    return (tuple(COLOURS)[i % 3],)


def test_images_of_one_category(tmp_path, opened):
    dataset = opened(instances(tmp_path / "val", 12, one_colour))
    assert dataset.class_names == ("red", "blue", "green")
    labels = {
        name: dataset.class_names[i] for name, i in zip(dataset.ids(range(12)), dataset.labels(range(12)), strict=True)
    }
    assert labels == {f"COCO_{i:012}.png": one_colour(i)[0] for i in range(12)}
    assert not [note for note in dataset.notes if "not read" in note]


def test_images_of_several_categories_need_multi_label(tmp_path, opened):
    content = instances(tmp_path / "val", 8, lambda i: tuple(COLOURS)[: i % 4])
    with pytest.raises(
        DataError, match=r"instances\.json, image 'COCO_000000000002\.png': 2 labels .*multi_label = true"
    ):
        opened(content)
    dataset = opened(content, extra="multi_label = true")
    expected = {f"COCO_{i:012}.png": [c < i % 4 for c in range(3)] for i in range(8)}
    rows = range(len(dataset))
    assert {n: own.tolist() for n, own in zip(dataset.ids(rows), dataset.labels(rows), strict=True)} == expected
    assert "2 images of no category (COCO_000000000000.png, COCO_000000000004.png)." in dataset.notes


def test_keys_of_images_are_columns(tmp_path, opened):
    dataset = opened(instances(tmp_path / "val", 12, one_colour), columns="group = 'location'")
    assert set(dataset.group_names(range(12))) == {f"site{i}" for i in range(6)}
    with pytest.raises(
        DataError, match=r"no column 'site'.* There are: file_name, category, boxes, width, height, location"
    ):
        opened(instances(tmp_path / "val", 12, one_colour), columns="group = 'site'")


def test_labels_without_boxes_as_camera_traps_have_them(tmp_path, opened):
    content = instances(tmp_path / "val", 12, one_colour)
    for annotation in content["annotations"]:
        del annotation["bbox"]
    assert len(opened(content)) == 12


def test_a_file_and_a_folder_for_each_split(tmp_path, opened):
    write(tmp_path / "a" / "train.json", instances(tmp_path / "train2017", 6, one_colour))
    content = instances(tmp_path / "val", 6, one_colour, first=6)
    source = """
path = {train = "a/train.json", test = "instances.json"}
root = {train = "train2017", test = "val"}"""
    dataset = opened(content, source)
    assert sorted(dataset.ids(dataset.rows("test"))) == [f"val/COCO_{i:012}.png" for i in range(6, 12)]
    assert {name.split("/")[0] for split in ("train", "val") for name in dataset.ids(dataset.rows(split))} == {
        "train2017"
    }


def test_captions_of_images(tmp_path, opened):
    content = instances(tmp_path / "val", 6)
    content["annotations"] = [
        {"id": 2 * i + k, "image_id": i, "caption": f" picture {i}, said {k} "} for i in range(6) for k in range(2)
    ]
    dataset = opened(content, task="retrieval", columns="caption = 'caption'")
    assert dict(zip(dataset.ids(range(6)), dataset.captions(range(6)), strict=True)) == {
        f"COCO_{i:012}.png": (f"picture {i}, said 0", f"picture {i}, said 1") for i in range(6)
    }


def test_each_box_as_an_image(tmp_path, opened):
    content = instances(tmp_path / "val", 6)
    dataset = opened(content, 'path = "instances.json"\nroot = "val"\ncrops = true')
    assert len(dataset) == 18
    for row in range(18):
        (name,), (label,) = dataset.ids([row]), dataset.labels([row])
        colour = dataset.class_names[label]
        c = tuple(COLOURS).index(colour)
        image = dataset.decode(row)
        assert image.size == BOXES[c][2:]
        assert (np.asarray(image) == COLOURS[colour]).all()
        file, _, annotation = name.partition("#")
        assert dataset.group_names([row]) == [file]
        assert int(annotation) % 10 == c
    assert len({own.tobytes() for own in dataset.hashes(range(18))}) == 18


def test_boxes_of_one_image_stay_in_one_split(tmp_path, opened):
    dataset = opened(instances(tmp_path / "val", 12), 'path = "instances.json"\nroot = "val"\ncrops = true')
    files = {
        split: {name.split("#")[0] for name in dataset.ids(dataset.rows(split))} for split in ("train", "val", "test")
    }
    assert sum(map(len, files.values())) == 12
    assert all(files.values())


def test_a_box_past_the_edge_is_cut_off_and_one_outside_is_counted(tmp_path, opened):
    content = instances(tmp_path / "val", 6)
    content["annotations"][0]["bbox"] = [-4, 3, 10.2, 8]
    content["annotations"][1]["bbox"] = [20, 20, 500, 500]
    content["annotations"][2]["bbox"] = [40, 2, 5, 5]
    content["annotations"][3]["bbox"] = [4, 4, 0.2, 5]
    content["annotations"][4]["bbox"] = "here"
    content["annotations"][5]["iscrowd"] = 1
    dataset = opened(content, 'path = "instances.json"\nroot = "val"\ncrops = true')
    sizes = {
        name.partition("#")[2]: dataset.decode(row).size for row, name in enumerate(dataset.ids(range(len(dataset))))
    }
    assert sizes["0"] == (6, 8)
    assert sizes["1"] == (12, 8)
    notes = [note.removeprefix("instances.json: not read: ") for note in dataset.notes if "not read" in note]
    assert notes == [
        "1 box that is no four numbers (annotation 11: 'here').",
        "1 box outside of its image (COCO_000000000000.png, annotation 2).",
        "1 box without an area (COCO_000000000001.png, annotation 10).",
        "1 box about a crowd (COCO_000000000001.png, annotation 12).",
    ]


def test_what_cannot_be_used_is_counted_and_named(tmp_path, opened):
    content = instances(tmp_path / "val", 12, one_colour)
    content["images"].append({"id": 99, "file_name": "COCO_000000000000_b.png"})
    content["annotations"] += [{"id": 900 + i, "image_id": 500 + i, "category_id": 7} for i in range(2)]
    content["annotations"].append({"id": 950, "image_id": 3, "category_id": 55})
    content["categories"] = [*CATEGORIES, {"id": 20, "name": "black"}]
    (tmp_path / "val" / "more.png").write_bytes((tmp_path / "val" / "COCO_000000000001.png").read_bytes())
    notes = opened(content).notes
    for said in (
        "instances.json: not read: 2 annotations of images that it does not list (image_id 500, image_id 501).",
        "instances.json: not read: 1 annotation's category, which it does not list (category_id 55).",
        "instances.json: not read: 1 image without a category (COCO_000000000000_b.png).",
        "Left out: 1 image that instances.json does not name (more.png).",
        "1 of 4 classes have no image: black.",
    ):
        assert said in notes


def test_images_that_are_listed_and_left_out_are_no_strangers(tmp_path, opened):
    content = instances(tmp_path / "val", 12, one_colour)
    content["annotations"] = content["annotations"][3:]
    notes = opened(content).notes
    assert any("3 images without a category" in note for note in notes)
    assert not any("does not name" in note for note in notes)


def test_no_image_that_the_card_asks_for(tmp_path, opened):
    content = instances(tmp_path / "val", 3, one_colour)
    for annotation in content["annotations"]:
        annotation["iscrowd"] = 1
    message = r"instances\.json: no image is left that the card asks for\. .*3 boxes about crowds"
    with pytest.raises(DataError, match=message):
        opened(content, 'path = "instances.json"\nroot = "val"\ncrops = true')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], r"instances\.json: expected COCO's JSON, .* it is a list"),
        ({"shapes": [], "version": 1}, r"it is an object with 'shapes', 'version'"),
        ({"images": [{"file_name": "a.png"}]}, r"image 0 has no 'id'"),
        ({"images": [{"id": 1}]}, r"image 0 has no 'file_name'"),
        (
            {"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]},
            r"image 1 has the 'id' '1', as another",
        ),
        ({"images": [], "annotations": {"a": 1}}, r"'annotations' must be a list"),
        ({"images": [], "annotations": [3]}, r"entry 0 of 'annotations' must be an object, but is 3"),
        ({"images": [], "categories": [{"id": 1}]}, r"entry 0 of 'categories' needs an 'id' and a 'name'"),
    ],
)
def test_what_is_no_coco_is_refused(opened, content, message, tmp_path):
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match=message):
        opened(content)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("path = {train = 'a'}\nrefs = 'b'", r"source\.refs says the splits"),
        ("path = 'a'\nrefs = 'b'\ncrops = true", r"source\.crops makes an image of each box"),
        ("path = 'a'\nroot = {train = 'b'}", r"source\.path must name the same splits"),
        ("path = 'a'\nmasks = true", r"unknown key 'source\.masks'"),
    ],
)
def test_cards_that_contradict_themselves(source, message):
    with pytest.raises(CardError, match=message):
        parse_card(f"name = 'x'\n[source]\ntype = 'coco'\n{source}", "x.toml")


def test_no_annotation_at_all_names_the_columns(tmp_path, opened):
    content = instances(tmp_path / "val", 4)
    content["annotations"] = []
    with pytest.raises(DataError, match=r"no column 'category'.* There are: file_name, width, height, location"):
        opened(content, columns="label = 'category'")


def test_damaged_json_is_one_sentence(tmp_path, opened):
    instances(tmp_path / "val", 4)
    write(tmp_path / "broken.json", {})
    (tmp_path / "broken.json").write_text('{"images": [', encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.json: not valid JSON"):
        opened({}, "path = 'broken.json'")


def test_lvis_names_images_by_their_address(tmp_path, opened):
    content = instances(tmp_path / "val", 12, one_colour)
    for image in content["images"]:
        image["coco_url"] = f"http://images.example.org/val/{image.pop('file_name')}"
    assert len(opened(json.loads(json.dumps(content)), 'path = "instances.json"')) == 12


def test_half_of_a_surrogate_pair_spoils_nothing(tmp_path, opened):
    content = instances(tmp_path / "val", 12, one_colour)
    content["images"][0]["note"] = "a \ud83c b"
    content["images"][1]["\ud83c"] = "c"
    content["categories"][0] = {"id": 7, "name": "red \ud83c"}
    dataset = opened(content)
    assert dataset.class_names == ("red ?", "blue", "green")
    assert len(dataset) == 12
