"""Tar shards and Parquet files are streamed: nothing of them is kept, and row groups are read about once an epoch."""

import io
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from workbench.adaptation.config import TrainedOn, Training
from workbench.adaptation.pairs import TrainingPairs
from workbench.datasets import open_dataset
from workbench.datasets.sources import parquet

N, IN_GROUP = 240, 10


def png(number):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path, numbers):
    with tarfile.open(path, "w") as tar:
        for number in numbers:
            for suffix, content in (("png", png(number)), ("txt", f"picture number {number}".encode())):
                member = tarfile.TarInfo(f"{number:04d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def write_parquet(path, numbers):
    columns = {"image": [png(n) for n in numbers], "text": [f"picture number {n}" for n in numbers]}
    pq.write_table(pa.table(columns), path, row_group_size=IN_GROUP)


@pytest.fixture
def opened(tmp_path, settings):
    def build(kind, **source):
        write, suffix = {"webdataset": (write_tar, "tar"), "parquet": (write_parquet, "parquet")}[kind]
        for part in range(2):
            write(tmp_path / f"train-{part}.{suffix}", range(part * N // 2, (part + 1) * N // 2))
        write(tmp_path / f"test.{suffix}", range(N, N + 10))
        write(tmp_path / f"val.{suffix}", range(N + 10, N + 20))
        columns = {"parquet": 'caption = "text"', "webdataset": 'image = "png"\ncaption = "txt"'}[kind]
        paths = ", ".join(f'{split} = "{split}*.{suffix}"' for split in ("train", "val", "test"))
        card = f'name = "pairs"\ntask = "retrieval"\nsource = {{ type = "{kind}", path = {{ {paths} }} }}\n'
        (tmp_path / "pairs.toml").write_text(f"{card}[columns]\n{columns}\n", encoding="utf-8")
        return TrainingPairs(open_dataset(str(tmp_path / "pairs.toml"), settings), TrainedOn(dataset="pairs", **source))

    return build


@pytest.mark.parametrize("kind", ["webdataset", "parquet"])
def test_each_image_comes_with_its_text_once_an_epoch(kind, opened, adaptation):
    pairs = opened(kind, window=50)
    setup = adaptation(Training(steps=10, batch_size=24, min_crop=1.0), [pairs])
    texts = []
    for batch in setup.stream.batches(0, 10):
        for row, image in zip(batch.belongs, batch.images, strict=True):
            (text,) = (batch.texts[i] for i in np.flatnonzero(row))
            expected = setup.network.loaded.preprocess(Image.open(io.BytesIO(png(int(text.split()[-1])))))
            np.testing.assert_allclose(setup.stream.inputs([image])[0], expected, atol=1e-5)
            texts.append(text)
    assert sorted(texts) == sorted(f"picture number {n}" for n in range(N))


@pytest.mark.parametrize(("window", "most"), [(40, 2.0), (N, None)])
def test_row_groups_are_read_about_once_an_epoch(opened, adaptation, monkeypatch, window, most):
    monkeypatch.setattr(parquet, "_CACHE_BYTES", 6 * IN_GROUP * len(png(0)))  # The groups of one window and a half.
    pairs = opened("parquet", window=window)
    read = []
    original = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *a, **k: read.append(a[1]) or original(*a, **k))
    for _ in adaptation(Training(steps=10, batch_size=24), [pairs], ahead=8).stream.batches(0, 10):
        pass
    times = len(read) / (N / IN_GROUP)
    assert times >= 1
    assert times <= most if most else times > 3  # Shuffled over all files, each is read for every image or so.


def test_parquet_files_have_a_window_without_being_asked(opened, pairs):
    assert opened("parquet").window == 4096
    assert opened("parquet", window=7).window == 7
    assert pairs().window is None
