"""Referring expressions in the forms in which they are published."""

import json
import pickle
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.datasets.coco_files import BOXES, CATEGORIES, COLOURS, instances, refs, write
from workbench.datasets import open_card, open_dataset, parse_card
from workbench.datasets.sources._plain_pickle import read_plain_pickle
from workbench.errors import DataError
from workbench.settings import Settings
from workbench.tasks.grounding.items import grounding_items

CORNERS = tuple((left, top, left + width, top + height) for left, top, width, height in BOXES)
FORMS = ["json", "jsonl", "p0", "p2", "p4", "hub", "boxes", "mdetr"]


def sentences(ref):
    return [own["sent"] for own in ref["sentences"]]


def as_hub_row(ref):
    """As jxu124/refcoco has it: corners, and the texts twice."""
    kept = {key: ref[key] for key in ("ref_id", "ann_id", "image_id", "split", "sentences", "file_name")}
    corners = [float(edge) for edge in CORNERS[ref["ann_id"] % 10]]
    path = f"coco/train2014/COCO_{ref['image_id']:012}.png"
    return {**kept, "image_path": path, "bbox": corners, "captions": sentences(ref), "raw_anns": "{}"}


def as_row_with_picture(ref):
    """As lmms-lab/RefCOCO has it: no id of the object, but its box, and the picture itself."""
    box = [edge + 0.3 for edge in BOXES[ref["ann_id"] % 10]]
    picture = {"bytes": b"picture", "path": "a.jpg"}
    return {"image": picture, "question": "?", "answer": sentences(ref), "bbox": box, "file_name": ref["file_name"]}


def as_mdetr(entries):
    """COCO's JSON with an image entry and an annotation for each sentence."""
    content = {"images": [], "annotations": [], "categories": CATEGORIES}
    for number, (ref, sentence) in enumerate((own, said) for own in entries for said in sentences(own)):
        image = {"id": 1000 + number, "original_id": ref["image_id"], "file_name": f"COCO_{ref['image_id']:012}.png"}
        content["images"].append({**image, "caption": sentence, "dataset_name": "refcoco", "tokens_negative": [[0, 3]]})
        annotation = {"id": number, "image_id": 1000 + number, "original_id": ref["ann_id"], "category_id": 7}
        content["annotations"].append(
            {**annotation, "bbox": list(BOXES[ref["ann_id"] % 10]), "tokens_positive": [[0, 3]]}
        )
    return content


def write_refs(root, form, entries):
    """Writes expressions; the name of the file, or of the file of each split, as a card has it."""
    if form == "json":
        write(root / "refs.json", entries)
    elif form == "jsonl":
        (root / "refs.jsonl").write_text("\n".join(map(json.dumps, entries)))
    elif form.startswith("p"):
        (root / "refs.p").write_bytes(pickle.dumps(entries, protocol=int(form[1])))
    elif form == "hub":
        pq.write_table(pa.Table.from_pylist([as_hub_row(ref) for ref in entries]), root / "refs.parquet")
    else:
        for split in {ref["split"] for ref in entries}:
            own = [ref for ref in entries if ref["split"] == split]
            if form == "boxes":
                pq.write_table(
                    pa.Table.from_pylist([as_row_with_picture(ref) for ref in own]), root / f"{split}.parquet"
                )
            else:
                write(root / f"{split}.json", as_mdetr(own))
        suffix = "parquet" if form == "boxes" else "json"
        return "{" + ", ".join(f'{role} = "{role}.{suffix}"' for role in ("train", "val", "test")) + "}"
    return '"refs.parquet"' if form == "hub" else f'"refs.{form.rstrip("024")}"'


@pytest.fixture
def opened(tmp_path, settings):
    """Opens expressions about the boxes of `instances.json`."""

    def make(said, extra="", content=None, source=None):
        write(tmp_path / "instances.json", content or instances(tmp_path / "train2014"))
        source = source or f'path = "instances.json"\nrefs = {said}\nroot = "train2014"'
        card = parse_card(
            f"name = 'x'\ntask = 'grounding'\n[source]\ntype = 'coco'\n{source}\n"
            f"[columns]\nboxes = 'boxes'\ninstruction = 'instructions'\n{extra}",
            "x.toml",
        )
        return open_card(card, tmp_path, settings)

    return make


def asked(dataset, split):
    """Image, sentence, box and kind of all items of a split."""
    rows = dataset.rows(split)
    return sorted(
        (dataset.ids([item.row])[0], item.text, item.boxes[item.answers[0]], item.kind)
        for item in grounding_items(dataset, rows)
    )


def expected(images, kind=""):
    return sorted(
        (f"COCO_{i:012}.png", text, CORNERS[c], kind)
        for i in images
        for c, name in enumerate(COLOURS)
        for text in (f"the {name} one", name)
    )


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_say_the_same(tmp_path, opened, form):
    splits = ("train", "train", "train", "val", "test", "test")
    dataset = opened(write_refs(tmp_path, form, refs(splits=splits)))
    assert asked(dataset, "train") == expected([0, 1, 2])
    assert asked(dataset, "val") == expected([3])
    assert asked(dataset, "test") == expected([4, 5])
    assert all(set(item.boxes) == set(CORNERS) for item in grounding_items(dataset, range(6)))
    assert not [note for note in dataset.notes if "not read" in note]


@pytest.mark.parametrize("written", ["xyxy", "xywh"])
def test_boxes_are_those_of_the_card_s_format(tmp_path, opened, written):
    dataset = opened(write_refs(tmp_path, "json", refs()), f"[regions]\nformat = '{written}'")
    assert asked(dataset, "train") == expected([0, 1, 2])


def test_both_test_splits_are_test_and_a_kind_each(tmp_path, opened):
    said = write_refs(tmp_path, "p2", refs())
    dataset = opened(said)
    assert asked(dataset, "test") == sorted([*expected([4], "testA"), *expected([5], "testB")])
    only = opened(said, "[splits]\ntest = 'testB'")
    assert asked(only, "test") == expected([5])
    assert "1 of 6 images is left out: 1 in split 'testA', to which the card gives no role." in only.notes


def test_an_mdetr_file_alone_chooses_among_what_it_names(tmp_path, opened):
    write_refs(tmp_path, "mdetr", refs(splits=("train", "train", "train", "val", "test", "test")))
    instances(tmp_path / "train2014")
    source = """path = {train = "train.json", val = "val.json", test = "test.json"}
root = {train = "train2014", val = "train2014", test = "train2014"}"""
    dataset = opened("", source=source)
    assert asked(dataset, "test") == expected([4, 5])


def test_sentences_that_stand_with_the_annotations(tmp_path, opened):
    content = instances(tmp_path / "train2014")
    for annotation in content["annotations"]:
        name = tuple(COLOURS)[annotation["id"] % 10]
        annotation["sentences"] = [f"the {name} one", {"raw": name}]
    dataset = opened("", content=content, source='path = "instances.json"\nroot = "train2014"')
    assert sorted([*asked(dataset, "train"), *asked(dataset, "val"), *asked(dataset, "test")]) == expected(range(6))


def test_what_no_single_box_answers_is_counted(tmp_path, opened):
    entries = refs()
    entries[0]["ann_id"] = [0, 1]  # gRefCOCO: both of them, or none.
    entries[1].update(ann_id=[-1], no_target=True)
    entries[2]["ann_id"] = 77
    entries[3]["image_id"] = 77
    content = instances(tmp_path / "train2014", colours=lambda i: tuple(COLOURS)[: 1 if i == 2 else 3])
    dataset = opened(write_refs(tmp_path, "json", entries), content=content)
    sentences = "COCO_000000000000.png: 'the {0} one', COCO_000000000000.png: '{0}'"
    for said in (
        f"2 expressions that mean several objects together ({sentences.format('red')}).",
        f"2 expressions that mean no object ({sentences.format('blue')}).",
        "6 expressions for boxes that are not read (COCO_000000000000.png: 'the green one', COCO_000000000000.png: "
        "'green', COCO_000000000002.png: 'the blue one' and 3 more).",
        "2 expressions about images that it does not list (image 77: 'the red one', image 77: 'red').",
        "2 expressions for the only box of their image (COCO_000000000002.png: 'the red one', COCO_000000000002.png: "
        "'red').",
        "2 images without an expression (COCO_000000000000.png, COCO_000000000002.png).",
    ):
        assert f"instances.json: not read: {said}" in dataset.notes
    assert asked(dataset, "train") == [own for own in expected([1]) if own[2] != CORNERS[0]]


def test_an_image_with_expressions_in_two_splits_is_named(tmp_path, opened):
    entries = refs()
    entries[0]["split"] = "val"
    dataset = opened(write_refs(tmp_path, "json", entries))
    assert (
        "1 image with expressions in several splits, in each of which the image stands (COCO_000000000000.png)."
        in dataset.notes
    )
    assert len(asked(dataset, "train")) == 16
    assert len(asked(dataset, "val")) == 8


def test_equal_boxes_are_one_candidate(tmp_path, opened):
    content = instances(tmp_path / "train2014")
    content["annotations"].append({"id": 500, "image_id": 0, "category_id": 8, "bbox": [2.2, 3.1, 9.9, 8.2]})
    entries = refs()
    entries[0]["ann_id"] = 500
    dataset = opened(write_refs(tmp_path, "json", entries), content=content)
    assert asked(dataset, "train") == expected([0, 1, 2])


class Evil:
    def __reduce__(self):
        return (eval, ("open('evil', 'w')",))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps([Evil()], protocol=0),
        pickle.dumps([Evil()], protocol=4),
        b"cos\nsystem\n(S'touch evil'\ntR.",
        b"(S'touch evil'\nios\nsystem\n.",
        pickle.dumps([{1, 2}], protocol=4),  # A set is no plain data either.
        pickle.dumps([1, 2])[:-3],
        b"",
        b"no pickle",
        b"\x80\x04]r\xff\xff\xff\x7f.\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
    ],
)
def test_a_pickle_of_anything_but_plain_data_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "refs.p"
    path.write_bytes(content)
    if content.startswith(b"\x80\x04]r"):
        assert read_plain_pickle(path) == []
        return
    with pytest.raises(DataError, match=r"refs\.p: is no pickle of plain lists"):
        read_plain_pickle(path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_of_all_protocols(tmp_path, protocol):
    value = [{"a": [1, -1, 2**40, 10**30, 1.5, None, True, False], "é": ("x", "ü" * 300, (), (1,), (1, 2, 3))}, {}, []]
    (tmp_path / "x.p").write_bytes(pickle.dumps(value, protocol=protocol))
    assert read_plain_pickle(tmp_path / "x.p") == value


def test_a_pickle_of_python_2(tmp_path):
    # cPickle.dumps([{'sent': 'a b', 'ids': [0, 1L], 'raw': u'caf\xe9'}], 0) of Python 2.7
    content = b"(lp1\n(dp2\nS'sent'\np3\nS'a b'\np4\nsS'ids'\np5\n(lp6\nI0\naL1L\nasS'raw'\np7\nVcaf\\u00e9\np8\nsa."
    (tmp_path / "x.p").write_bytes(content)
    assert read_plain_pickle(tmp_path / "x.p") == [{"sent": "a b", "ids": [0, 1], "raw": "caf\xe9"}]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a": 1}, "expected a list of referring expressions"),
        ([3], r"refs\.json, entry 0: expected an object, got 3"),
        ([{"ann_id": 3, "sentences": ["x"]}], "entry 0: says no image"),
        ([{"image_id": 3, "ann_id": 3, "sentences": []}], "entry 0: has no sentence"),
        ([{"image_id": 3, "sentences": ["x"], "bbox": [1, 2]}], "entry 0: says no object"),
    ],
)
def test_entries_that_say_too_little_are_named(tmp_path, opened, entries, message):
    write(tmp_path / "refs.json", entries)
    with pytest.raises(DataError, match=message):
        opened('"refs.json"')


@pytest.mark.parametrize(
    ("name", "place", "file"),
    [
        ("refcoco", "refcoco", "refs(unc).p"),
        ("refcocoplus", "refcoco+", "refs(unc).p"),
        ("refcocog", "refcocog", "refs(umd).p"),
    ],
)
def test_the_registered_cards_read_the_published_layout(tmp_path, name, place, file):
    data = tmp_path / "coco"
    write(data / place / "instances.json", instances(data / "train2014"))
    splits = ("train", "train", "val", "test") if name == "refcocog" else ("train", "val", "testA", "testB")
    entries = refs(splits=splits)
    (data / place / file).write_bytes(pickle.dumps(entries, protocol=2))
    dataset = open_dataset(name, Settings(cache=tmp_path / "cache", data=data))
    kinds = Counter(kind for *_, kind in asked(dataset, "test"))
    assert kinds == ({"": 6} if name == "refcocog" else {"testA": 6, "testB": 6})
    assert dataset.card.primary_metric == "accuracy"
    assert not [note for note in dataset.notes if "not read" in note]
