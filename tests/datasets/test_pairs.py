"""Pairs of images: never divided, and told what is wrong with them."""

import pytest

from workbench.errors import DataError
from workbench.tasks.matching.items import matching_items

COLUMNS = {"caption": "said", "pair": "n"}


def pairs(count, **values):
    return [{"said": f"text {i}", "n": f"p{i // 2}", **values} for i in range(2 * count)]


def every_item(dataset):
    return [item for split in ("train", "val", "test") for item in matching_items(dataset, dataset.rows(split))]


def test_made_splits_divide_no_pair(rows_opened):
    dataset = rows_opened("matching", COLUMNS, pairs(12, split="train"))
    assert all(len(dataset.rows(split)) for split in ("train", "val", "test"))
    assert len(every_item(dataset)) == 12
    # A pair is an item, not a group that intervals resample.
    assert dataset.groups(dataset.rows("test")) is None


def test_a_column_can_be_the_pair_and_the_group(rows_opened):
    dataset = rows_opened("matching", {**COLUMNS, "group": "n"}, pairs(12, split="train"))
    assert len(every_item(dataset)) == 12
    assert set(dataset.group_names(dataset.rows("train"))) <= {f"p{i}" for i in range(12)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({1: {"split": "train"}}, r"'p0' in column 'n' stands over several splits \(.*1\.jpg in train.*same"),
        ({1: {"said": ""}}, r"pair 'p0' in column 'n': 1\.jpg has no caption in column 'said'"),
        ({3: {"n": "p7"}}, r"pair 'p[17]' in column 'n' has 1 image \([23]\.jpg\); expected two"),
        ({0: {"n": "p1"}, 1: {"n": "p1"}}, r"pair 'p1' in column 'n' has 4 images"),
        ({1: {"n": ""}}, r"pair 'p0' .* has 1 image|1\.jpg: column 'n' must hold what the two images of a pair share"),
        ({0: {"n": ""}, 1: {"n": None}}, r"jpg: column 'n' must hold what the two images of a pair share"),
    ],
)
def test_what_is_wrong_with_a_pair_is_told(rows_opened, change, message):
    rows = pairs(2, split="test")
    for i, values in change.items():
        rows[i] |= values
    dataset = rows_opened("matching", {**COLUMNS, "split": "split"}, rows)
    with pytest.raises(DataError, match=message):
        matching_items(dataset, dataset.rows("test"))
