"""A table with a caption a row, which repeats the image."""

import pytest

from workbench.datasets import open_card, parse_card

TABLE = """file_name,split,caption
a.jpg,test,one
b.jpg,test,two
c.jpg,test,three
a-again.jpg,test,four
a-too.jpg,train,five
"""


@pytest.fixture
def opened(tmp_path, jpeg, settings):
    def make(task, columns='caption = "caption"'):
        for name, seed in (("a", 0), ("b", 1), ("c", 2), ("a-again", 0), ("a-too", 0)):
            (tmp_path / f"{name}.jpg").write_bytes(jpeg(seed))
        (tmp_path / "metadata.csv").write_text(TABLE, encoding="utf-8")
        text = (
            f'name = "x"\ntask = "{task}"\n[source]\ntype = "folder"\npath = "."\n[columns]\nsplit = "split"\n{columns}'
        )
        return open_card(parse_card(text, "x.toml"), tmp_path, settings)

    return make


@pytest.mark.parametrize("task", ["retrieval", "captioning"])
def test_equal_images_of_a_split_are_one_with_all_captions(opened, task):
    for _ in ("read", "read again from the cache"):
        dataset = opened(task)
        rows = dataset.rows("test")
        said = dict(zip(dataset.ids(rows), dataset.captions(rows), strict=True))
        assert said == {"a.jpg": ("one", "four"), "b.jpg": ("two",), "c.jpg": ("three",)}
        assert [dataset.captions(dataset.rows("train"))[0]] == [("five",)]
        assert "5 rows hold 4 different images, each with all its rows' captions." in dataset.notes


def test_elsewhere_every_row_counts(opened):
    assert len(opened("classification", 'label = "caption"').rows("test")) == 4


def test_images_that_cannot_be_read_are_not_taken_for_equal(opened, tmp_path):
    opened("retrieval")
    for name in ("b", "c"):
        (tmp_path / f"{name}.jpg").unlink()
    assert sorted(opened("retrieval").ids(range(4))) == ["a-too.jpg", "a.jpg", "b.jpg", "c.jpg"]
