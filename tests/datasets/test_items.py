"""Items of matching from tables, and splits that go by class."""

import pytest

from workbench.datasets import open_card, parse_card
from workbench.errors import CardError
from workbench.tasks.matching.items import MatchingItem, matching_items


def items(dataset, read):
    return sorted(read(dataset, dataset.rows("test")), key=repr)


def test_wrong_texts_as_text_list_or_by_kind(rows_opened):
    rows = [
        {"caption": "a cat", "wrong": "a dog"},
        {"caption": "a fox", "wrong": ["a dog", "a cow"]},
        {"caption": "a red box", "wrong": {"colour": "a blue box", "object": ["a red ball", "a red cup"]}},
    ]
    dataset = rows_opened("matching", {"caption": "caption", "negatives": "wrong", "split": "split"}, rows)
    assert items(dataset, matching_items) == sorted(
        [
            MatchingItem((0,), ("a cat", "a dog")),
            MatchingItem((1,), ("a fox", "a dog", "a cow")),
            MatchingItem((2,), ("a red box", "a blue box"), kind="colour"),
            MatchingItem((2,), ("a red box", "a red ball", "a red cup"), kind="object"),
        ],
        key=repr,
    )


def test_items_of_their_own(rows_opened):
    rows = [{"items": [{"text": "a", "wrong": ["b"], "kind": "k"}, {"text": "c", "wrong": "d"}]}]
    dataset = rows_opened("matching", {"negatives": "items", "split": "split"}, rows)
    assert items(dataset, matching_items) == [
        MatchingItem((0,), ("a", "b"), kind="k"),
        MatchingItem((0,), ("c", "d")),
    ]


def test_statements_and_pairs(rows_opened):
    columns = {"caption": "said", "label": "label", "split": "split"}
    rows = [{"said": "it is red", "label": True}, {"said": "it is blue", "label": False}]
    dataset = rows_opened("matching", columns, rows)
    assert [(item.texts[0], item.truth) for item in items(dataset, matching_items)] == [
        ("it is red", True),
        ("it is blue", False),
    ]
    columns = {"caption": "said", "pair": "n", "split": "split"}
    rows = [{"said": f"text {i}", "n": i // 2} for i in range(4)]
    dataset = rows_opened("matching", columns, rows)
    assert {item.texts for item in items(dataset, matching_items)} == {
        ("text 0", "text 1"),
        ("text 2", "text 3"),
    }


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
