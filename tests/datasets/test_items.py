"""Items of matching and grounding from tables, and splits that go by class."""

import json

import pytest

from workbench.datasets import open_card, parse_card
from workbench.datasets.items import GroundingItem, MatchingItem, grounding_items, matching_items
from workbench.errors import CardError, DataError


@pytest.fixture
def opened(tmp_path, jpeg, settings):
    """Writes rows as JSONL beside as many images, and opens them with a card."""

    def make(task, columns, rows, extra=""):
        for i, row in enumerate(rows):
            (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
            row.setdefault("file_name", f"{i}.jpg")
            row.setdefault("split", "test")
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / "metadata.jsonl").write_text(lines, encoding="utf-8")
        named = "\n".join(f'{key} = "{value}"' for key, value in columns.items())
        card = parse_card(
            f'name = "x"\ntask = "{task}"\n{extra}\n[source]\ntype = "folder"\npath = "."\n[columns]\n{named}\n',
            "x.toml",
        )
        return open_card(card, tmp_path, settings)

    return make


def items(dataset, read):
    return sorted(read(dataset, dataset.rows("test")), key=repr)


def test_wrong_texts_as_text_list_or_by_kind(opened):
    rows = [
        {"caption": "a cat", "wrong": "a dog"},
        {"caption": "a fox", "wrong": ["a dog", "a cow"]},
        {"caption": "a red box", "wrong": {"colour": "a blue box", "object": ["a red ball", "a red cup"]}},
    ]
    dataset = opened("matching", {"caption": "caption", "negatives": "wrong", "split": "split"}, rows)
    assert items(dataset, matching_items) == sorted(
        [
            MatchingItem((0,), ("a cat", "a dog")),
            MatchingItem((1,), ("a fox", "a dog", "a cow")),
            MatchingItem((2,), ("a red box", "a blue box"), kind="colour"),
            MatchingItem((2,), ("a red box", "a red ball", "a red cup"), kind="object"),
        ],
        key=repr,
    )


def test_items_of_their_own(opened):
    rows = [{"items": [{"text": "a", "wrong": ["b"], "kind": "k"}, {"text": "c", "wrong": "d"}]}]
    dataset = opened("matching", {"negatives": "items", "split": "split"}, rows)
    assert items(dataset, matching_items) == [
        MatchingItem((0,), ("a", "b"), kind="k"),
        MatchingItem((0,), ("c", "d")),
    ]


def test_statements_and_pairs(opened):
    columns = {"caption": "said", "label": "label", "split": "split"}
    rows = [{"said": "it is red", "label": True}, {"said": "it is blue", "label": False}]
    dataset = opened("matching", columns, rows)
    assert [(item.texts[0], item.truth) for item in items(dataset, matching_items)] == [
        ("it is red", True),
        ("it is blue", False),
    ]
    columns = {"caption": "said", "pair": "n", "split": "split"}
    rows = [{"said": f"text {i}", "n": i // 2} for i in range(4)]
    dataset = opened("matching", columns, rows)
    assert {item.texts for item in items(dataset, matching_items)} == {
        ("text 0", "text 1"),
        ("text 2", "text 3"),
    }


def test_a_pair_of_one_is_refused(opened):
    dataset = opened("matching", {"caption": "said", "pair": "n", "split": "split"}, [{"said": "a", "n": 1}])
    with pytest.raises(DataError, match=r"pair '1' .* has 1 images"):
        matching_items(dataset, dataset.rows("test"))


def test_boxes_with_an_instruction(opened):
    rows = [
        {"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": "left", "answer": 0},
        {
            "boxes": [{"box": [0, 0, 4, 4]}, {"box": [4, 4, 9, 9]}],
            "said": [{"text": "any", "fits": [0, 1]}, {"text": "b", "answer": 1, "kind": "k"}],
        },
    ]
    columns = {"boxes": "boxes", "instruction": "said", "answer": "answer", "split": "split"}
    dataset = opened("grounding", columns, rows)
    boxes = ((0, 0, 4, 4), (4, 4, 9, 9))
    # What every box answers to asks nothing.
    assert items(dataset, grounding_items) == [
        GroundingItem(0, boxes, "left", (0,)),
        GroundingItem(1, boxes, "b", (1,), "k"),
    ]


def test_boxes_with_width_and_height(opened):
    rows = [{"boxes": [[1, 2, 3, 4], [5, 5, 1, 1]], "said": "x", "answer": 1}]
    columns = {"boxes": "boxes", "instruction": "said", "answer": "answer", "split": "split"}
    dataset = opened("grounding", columns, rows, 'regions = { format = "xywh" }')
    assert grounding_items(dataset, dataset.rows("test"))[0].boxes == ((1, 2, 4, 6), (5, 5, 6, 6))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": "x", "answer": 2}, "answers among the 2 boxes"),
        ({"boxes": [[0, 0, 4]], "said": "x", "answer": 0}, "boxes of four numbers"),
        ({"boxes": [[4, 0, 4, 4]], "said": "x", "answer": 0}, "boxes with an area"),
        ({"boxes": [], "said": "x", "answer": 0}, "a list of boxes"),
        ({"said": "x", "answer": 0}, "no column 'boxes'"),
    ],
)
def test_bad_grounding_rows_are_named(opened, row, message):
    columns = {"boxes": "boxes", "instruction": "said", "answer": "answer", "split": "split"}
    dataset = opened("grounding", columns, [row])
    with pytest.raises(DataError, match=rf"0\.jpg.*{message}"):
        grounding_items(dataset, dataset.rows("test"))


@pytest.mark.parametrize(
    ("task", "columns", "message"),
    [
        ("grounding", 'boxes = "b"', "needs columns.instruction"),
        ("matching", 'caption = "c"', "columns.negatives .wrong texts., columns.label"),
        ("matching", "", "columns.negatives or columns.caption"),
        ("retrieval", 'label = "l"', "columns.caption, or columns.label with descriptions"),
    ],
)
def test_a_card_without_what_its_task_needs_is_refused(task, columns, message):
    text = f'name = "x"\ntask = "{task}"\n[source]\ntype = "folder"\npath = "."\n[columns]\n{columns}\n'
    with pytest.raises(CardError, match=message):
        parse_card(text, "x.toml")


def described(class_folders, settings, task="retrieval", splits=""):
    names = ("oak", "silver_birch", "schöne Linde")
    said = "\n".join(f'"{name}" = ["leaf of {name}"]' for name in names)
    text = (
        f'name = "x"\ntask = "{task}"\n[source]\ntype = "folder"\npath = "flora"\n[columns]\nlabel = "label"\n'
        f"[splits]\n{splits}\n[prompts.descriptions]\n{said}\n"
    )
    return open_card(parse_card(text, "x.toml"), class_folders.parent, settings)


def test_descriptions_of_classes_are_captions(class_folders, settings):
    dataset = described(class_folders, settings)
    rows = dataset.rows("train")
    assert dataset.captions(rows) == [(f"leaf of {dataset.class_names[label]}",) for label in dataset.labels(rows)]


def test_a_split_by_class_divides_no_class(class_folders, settings):
    dataset = described(class_folders, settings, splits='by = "class"\ntest_fraction = 0.3\nval_fraction = 0.4')
    held = {split: set(dataset.labels(dataset.rows(split)).tolist()) for split in ("train", "val", "test")}
    assert [len(own) for own in held.values()] == [1, 1, 1]
    assert not held["train"] & held["val"]
    assert not held["test"] & (held["train"] | held["val"])
    # A class is a group, which intervals resample whole.
    assert len(set(dataset.groups(dataset.rows("test")))) == 1


def test_unseen_classes_are_in_test_alone(class_folders, settings):
    whole = described(class_folders, settings, "classification")
    dataset = described(class_folders, settings, "classification", "unseen = ['oak']")
    oak = dataset.class_names.index("oak")
    assert dataset.unseen_classes.tolist() == [oak]
    assert not (dataset.labels(dataset.rows("train")) == oak).any()
    assert not (dataset.labels(dataset.rows("val")) == oak).any()
    assert dataset.rows("test").tolist() == whole.rows("test").tolist()
    assert dataset.fingerprint != whole.fingerprint


def test_unseen_classes_that_leave_nothing_are_refused(class_folders, settings):
    with pytest.raises(CardError, match=r"'oke', which is no class\. Did you mean 'oak'"):
        described(class_folders, settings, "classification", "unseen = ['oke']").rows("train")
    with pytest.raises(CardError, match="takes 2 of 3 classes"):
        described(class_folders, settings, "classification", "unseen = 0.7").rows("train")


def test_folds_test_every_class_once(class_folders, settings):
    tested = []
    for k in (1, 2, 3):
        dataset = described(class_folders, settings, splits=f'by = "class"\nfold = [{k}, 3]')
        tested += sorted(set(dataset.labels(dataset.rows("test")).tolist()))
    assert sorted(tested) == [0, 1, 2]
    with pytest.raises(CardError, match=r"k of 1\.\.n"):
        described(class_folders, settings, splits='by = "class"\nfold = [4, 3]')
