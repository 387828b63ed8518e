"""Data in object stores: the same datasets as on disk, read by ranges, with every failure in one sentence."""

import sys
import tarfile
from io import BytesIO
from random import Random

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3fs import S3FileSystem

from workbench.datasets import open_card
from workbench.datasets.card_reading import parse_card
from workbench.datasets.sources import open_source
from workbench.errors import DataError

pytest_plugins = ("tests.object_stores",)

COLUMNS = '[columns]\nimage = "jpg"\nlabel = "cls"\n'
SPLITS = ("train", "train", "val", "test")


def tar_of(images: list[bytes], start: int = 0) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for i, image in enumerate(images, start):
            for extension, data in {"jpg": image, "cls": b"oak" if i % 3 else b"ash"}.items():
                info = tarfile.TarInfo(f"{i:03d}.{extension}")
                info.size = len(data)
                tar.addfile(info, BytesIO(data))
    return buffer.getvalue()


def parquet_of(images: list[bytes], start: int = 0, rows_in_group: int = 2) -> bytes:
    buffer = BytesIO()
    labels = ["oak" if i % 3 else "ash" for i in range(start, start + len(images))]
    table = pa.table({"jpg": [{"bytes": image, "path": None} for image in images], "cls": labels})
    pq.write_table(table, buffer, row_group_size=rows_in_group)
    return buffer.getvalue()


PACK = {"webdataset": (tar_of, "tar"), "parquet": (parquet_of, "parquet")}


def card(kind: str, path: str):
    return parse_card(f'name = "trees"\n[source]\ntype = "{kind}"\npath = {path}\n{COLUMNS}', "test card")


def shards(kind: str, jpeg, padding: int = 0) -> dict[str, bytes]:
    """Two shards for train, one for val and one for test, of six images each."""
    pack, suffix = PACK[kind]
    return {
        f"{split}-{n}.{suffix}": pack([jpeg(100 * n + i) + Random(i).randbytes(padding) for i in range(6)], 6 * n)
        for n, split in enumerate(SPLITS)
    }


def paths(kind: str, root: str) -> str:
    suffix = PACK[kind][1]
    train, val, test = f"{root}train-{{0..1}}.{suffix}", f"{root}val-2.{suffix}", f"{root}te*-?.{suffix}"
    return f'{{train = "{train}", val = "{val}", test = "{test}"}}'


def read_lengths(s3: S3FileSystem, monkeypatch) -> list[int]:
    """Is filled with the length of each answer of the store."""
    lengths, original = [], s3.cat_file

    def cat_file(*args, **kwargs):
        data = original(*args, **kwargs)
        lengths.append(len(data))
        return data

    monkeypatch.setattr(s3, "cat_file", cat_file)
    return lengths


@pytest.mark.parametrize("kind", PACK)
def test_an_object_store_gives_what_the_disk_gives(s3, tmp_path, settings, jpeg, kind):
    for name, data in shards(kind, jpeg).items():
        (tmp_path / name).write_bytes(data)
        s3.pipe_file(f"study/deep/{name}", data)
        fsspec.filesystem("memory").pipe_file(f"/{tmp_path.name}/{kind}/{name}", data)
    local = open_card(card(kind, paths(kind, "")), tmp_path, settings)
    for root in ("s3://study/deep/", f"memory://{tmp_path.name}/{kind}/"):
        remote = open_card(card(kind, paths(kind, root)), None, settings)
        assert remote.fingerprint == local.fingerprint
        assert [remote.ids(remote.rows(split)) for split in ("train", "val", "test")] == [
            local.ids(local.rows(split)) for split in ("train", "val", "test")
        ]
        assert [remote.read(i) for i in range(24)] == [local.read(i) for i in range(24)]
        assert remote.class_names == ("ash", "oak")


@pytest.mark.parametrize("kind", PACK)
def test_only_what_changed_is_read_again(s3, settings, jpeg, kind):
    packed = shards(kind, jpeg)
    for name, data in packed.items():
        s3.pipe_file(f"study/{name}", data)
    found = card(kind, paths(kind, "s3://study/"))
    assert open_card(found, None, settings).manifest.hashed == 24
    assert open_card(found, None, settings).manifest.hashed == 0
    pack, suffix = PACK[kind]
    other = pack([jpeg(900 + i) for i in range(6)], 6)
    s3.pipe_file(f"study/train-1.{suffix}", other)
    changed = open_card(found, None, settings)
    assert changed.manifest.hashed == 6
    assert {jpeg(900 + i) for i in range(6)} <= {changed.read(i) for i in range(24)}


@pytest.mark.parametrize("kind", PACK)
def test_an_image_costs_its_own_bytes(s3, settings, jpeg, kind, monkeypatch):
    packed = shards(kind, jpeg, 150_000)
    for name, data in packed.items():
        s3.pipe_file(f"study/{name}", data)
    found = card(kind, paths(kind, "s3://study/"))
    open_card(found, None, settings)
    asked = read_lengths(s3, monkeypatch)
    dataset = open_card(found, None, settings)
    assert asked == []
    image = dataset.read(5)
    whole = len(packed["train-0." + PACK[kind][1]])
    if kind == "webdataset":
        assert asked == [len(image)]
    else:  # A row group of two images of six, and the footer.
        assert len(image) < sum(asked) < 0.6 * whole
    asked.clear()
    dataset.read(4)
    assert kind == "webdataset" or asked == []


def test_a_parquet_row_may_name_an_object_beside_the_table(s3, settings, jpeg):
    buffer = BytesIO()
    pq.write_table(pa.table({"jpg": [f"pics/{i}.jpg" for i in range(12)], "cls": ["ash", "oak", "oak"] * 4}), buffer)
    s3.pipe_file("study/table/all.parquet", buffer.getvalue())
    for i in range(11):
        s3.pipe_file(f"study/table/pics/{i}.jpg", jpeg(i))
    dataset = open_card(card("parquet", '"s3://study/table/all.parquet"'), None, settings)
    pictures = {name: dataset.read(row) for row, name in enumerate(dataset.ids(range(12))) if name != "pics/11.jpg"}
    assert pictures == {f"pics/{i}.jpg": jpeg(i) for i in range(11)}
    missing = dataset.ids(range(12)).index("pics/11.jpg")
    with pytest.raises(DataError, match=r"^s3://study/table/pics/11\.jpg: does not exist"):
        dataset.read(missing)
    s3.pipe_file("study/table/pics/11.jpg", jpeg(11))
    assert open_card(card("parquet", '"s3://study/table/all.parquet"'), None, settings).manifest.hashed == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ('"s3://study/none.tar"', r"^s3://study/none\.tar: does not exist; check the address"),
        ('"s3://nowhere/none.tar"', r"^s3://nowhere/none\.tar: does not exist; check the address"),
        ('"s3://study/none-*.tar"', r"^s3://study/none-\*\.tar: no object has such a name"),
        ('"s3://study/folder"', r"^s3://study/folder: is a folder; name its files, such as s3://study/folder/\*"),
        ('"s3://study/bad.tar"', r"^s3://study/bad\.tar: not a readable, uncompressed tar file"),
        ('"s3://study/cut.tar"', r"^s3://study/cut\.tar: not a readable.*ends beyond the file; is it cut off"),
        ('"gs://study/a.tar"', r"^gs://study/a\.tar: to read it, install gcsfs \(pip install .*\[remote\]"),
        ('"ftp://study/a.tar"', r"^ftp://study/a\.tar: addresses of ftp:// are not read; there are: s3://, gs://, hf"),
        ('"s3://me:hush-hush@study/a.tar"', r"^s3://me:\*\*\*@study/a\.tar: holds a password, .* take it out"),
        ('{train = "s3://study/a.tar", test = "b.tar"}', r"^dataset 'trees': source\.path names files of several"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(s3, settings, jpeg, monkeypatch, path, message):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    s3.pipe_file("study/folder/a.tar", b"")
    s3.pipe_file("study/bad.tar", b"not a tar file" * 100)
    s3.pipe_file("study/cut.tar", tar_of([jpeg(1, 64)])[:1000])
    with pytest.raises(DataError, match=message) as caught:
        open_card(card("webdataset", path), None, settings)
    assert "hush-hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_parquet_object_is_named(s3, settings):
    s3.pipe_file("study/a.parquet", b"PAR1 no")
    with pytest.raises(DataError, match=r"^s3://study/a\.parquet: is not a readable Parquet file"):
        open_card(card("parquet", '"s3://study/a.parquet"'), None, settings)


def test_a_store_asks_for_credentials(s3, afresh, settings, monkeypatch):
    s3.pipe_file("study/a.tar", b"")
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    with pytest.raises(DataError, match=r"^s3://study/a\.tar: is not open to you \(.*\); set AWS_ACCESS_KEY_ID"):
        open_card(card("webdataset", '"s3://study/a.tar"'), None, settings)


def test_a_store_that_is_not_there_is_said(afresh, settings, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DataError, match=r"^s3://study/a\.tar: the store cannot be reached \(.*; check the network"):
        open_card(card("webdataset", '"s3://study/a.tar"'), None, settings)


def test_a_listing_steps_over_large_members(s3, settings, jpeg, monkeypatch):
    images = [jpeg(i, 24) + bytes(3 * 2**20) for i in range(4)]
    s3.pipe_file("study/large.tar", tar_of(images))
    asked = read_lengths(s3, monkeypatch)
    source = open_source(card("webdataset", '"s3://study/large.tar"'), None, settings)
    assert len(source.records()) == 4
    assert 0 < sum(asked) < 0.5 * sum(map(len, images))
