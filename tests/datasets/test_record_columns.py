"""Records as columns are the records that went in, in a fraction of the memory."""

import io
import tarfile
import tracemalloc
from dataclasses import replace

import pytest

from workbench.datasets.card_reading import parse_card
from workbench.datasets.sources import Location, Record, RecordColumns, open_source
from workbench.settings import Settings

RECORDS = [
    Record("a", Location("s-0.tar", -1, 512, 100), ("oak",), "train", "p1", ("an oak", "a tree"), '{"x": 1}', ("elm",)),
    Record("b", Location("s-0.tar", -1, 2**40, 7), (), None, None),
    Record("", Location("é\udc80.jpg"), ("",), "train", "", ("", "\0\xff"), ""),
    Record("b", Location("s-0.tar", 3), ("oak", "elm"), "val", None, ()),
]


def test_records_come_out_as_they_went_in():
    columns = RecordColumns(RECORDS)
    assert list(columns) == RECORDS
    assert columns == RECORDS
    assert [columns[i] for i in (-1, 0, 2)] == [RECORDS[i] for i in (-1, 0, 2)]
    assert list(columns[1:3]) == RECORDS[1:3]
    assert columns != RECORDS[:3]
    assert RecordColumns.of(columns) is columns
    with pytest.raises(IndexError):
        columns[4]


def test_equal_texts_of_one_row_after_another_do_not_hide_later_ones():
    rows = [replace(RECORDS[0], group=group, id=str(i)) for i, group in enumerate(["p", "p", None, None, "p", "q"])]
    assert [record.group for record in RecordColumns(rows)] == ["p", "p", None, None, "p", "q"]


def shard(path, count, first):
    with tarfile.open(path, "w") as tar:
        for i in range(first, first + count):
            for extension, data in (("jpg", b"not decoded"), ("cls", b"class-%d" % (i % 20))):
                info = tarfile.TarInfo(f"{i:08d}.{extension}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def listed(folder) -> tuple[int, int]:
    """Bytes that a listing of a folder's shards keeps, and its peak."""
    text = 'name = "t"\n[source]\ntype = "webdataset"\npath = "s-*.tar"\n'
    source = open_source(parse_card(text, "test card"), folder, Settings())
    tracemalloc.start()
    records = source.records()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(records) == len(list(folder.iterdir())) * 200
    return kept, peak


def test_ten_times_the_images_take_hardly_more_memory(tmp_path):
    sizes = {}
    for shards in (2, 20):
        folder = tmp_path / str(shards)
        folder.mkdir()
        for n in range(shards):
            shard(folder / f"s-{n:03d}.tar", 200, 200 * n)
        listed(folder)  # What is made once in a process does not count.
        sizes[shards] = listed(folder)
    more = 18 * 200
    assert (sizes[20][0] - sizes[2][0]) / more < 120
    assert (sizes[20][1] - sizes[2][1]) / more < 160
