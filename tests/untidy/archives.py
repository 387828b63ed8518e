"""Untidy Parquet files and tar archives."""

import base64
import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq

from tests.untidy.untidy import COLOURS, Untidy, card, pictures


def parquet(values, columns="label = 'label'"):
    """A Parquet table whose image column is made from names and bytes."""

    def make(root):
        names = pictures(root / "img")
        data = [(root / "img" / name).read_bytes() for name in names]
        labels = [COLOURS[i % 2] for i in range(len(names))]
        pq.write_table(pa.table({"image": values(names, data), "label": labels}), root / "t.parquet")
        return card(root, "type = 'parquet'\npath = 't.parquet'", columns=columns)

    return make


def archive(members, path="a.tar", columns="image = 'image'", shards=("a.tar",)):
    """Tar shards; `members` gives names and bytes for a sample's number and picture."""

    def make(root):
        names = pictures(root / "img")
        data = [(root / "img" / name).read_bytes() for name in names]
        for s, shard in enumerate(shards):
            with tarfile.open(root / shard, "w") as tar:
                for i, picture in enumerate(data[s :: len(shards)]):
                    for name, content in members(i, picture):
                        member = tarfile.TarInfo(name)
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))
        return card(root, f"type = 'webdataset'\npath = '{path}'", columns=columns)

    return make


def sample(i, picture, suffix="png"):
    return [(f"{i:03}.{suffix}", picture), (f"{i:03}.cls", COLOURS[i % 2].encode())]


ARCHIVES = [
    Untidy("a Parquet column of paths", parquet(lambda names, _: [f"img/{n}" for n in names]), images=12),
    Untidy(
        "a Parquet column of paths and bytes, one or the other",
        parquet(
            lambda names, data: [
                {"bytes": None if i % 2 else d, "path": f"img/{n}"}
                for i, (n, d) in enumerate(zip(names, data, strict=True))
            ]
        ),
        images=12,
    ),
    Untidy(
        "a Parquet column of base64 text",
        parquet(lambda _, data: [base64.b64encode(d).decode() for d in data]),
        r"column 'image' holds text that names no image file.*base64",
        refused=True,
    ),
    Untidy(
        "a Parquet column of lists of images",
        parquet(lambda _, data: [[d] for d in data]),
        r"column 'image' is of type list",
        refused=True,
    ),
    Untidy(
        "a Parquet column of numbers",
        parquet(lambda names, _: list(range(len(names)))),
        r"column 'image' is of type int64",
        refused=True,
    ),
    Untidy(
        "rows without an image in a Parquet table",
        parquet(lambda _, data: [None, *data[1:]]),
        r"1 of 12 images are missing, empty or cannot be read",
    ),
    Untidy(
        "a tar archive with a mask beside each image",
        archive(lambda i, p: [*sample(i, p, "jpg"), (f"{i:03}.png", p)]),
        r"sample '000' has two images, 'jpg' and 'png'; say in columns\.image",
        refused=True,
    ),
    Untidy(
        'the same with columns.image = "jpg"',
        archive(lambda i, p: [*sample(i, p, "jpg"), (f"{i:03}.png", p)], columns="image = 'jpg'"),
        images=12,
    ),
    Untidy(
        "names with further dots in a tar archive",
        archive(
            lambda i, p: [
                (f"{i:03}.left.png" if i == 3 else f"{i:03}.png", p),
                (f"{i:03}.cls", COLOURS[i % 2].encode()),
            ]
        ),
        r"Left out: 1 image of a\.tar with further dots in the name \(003\.left\.png",
        images=11,
    ),
    Untidy(
        "samples without an image in a tar archive",
        archive(lambda i, p: sample(i, p)[i % 2 * (i == 3) :]),
        r"1 sample of a\.tar has no image: 003",
        images=11,
    ),
    Untidy(
        "a pattern with braces for tar shards",
        archive(sample, path="s-{000..002}.tar", shards=("s-000.tar", "s-001.tar", "s-002.tar")),
        images=12,
    ),
    Untidy(
        "a shard that the pattern names and that is not there",
        archive(sample, path="s-{000..002}.tar", shards=("s-000.tar", "s-001.tar")),
        r"'s-002\.tar' was not found",
        refused=True,
    ),
]
