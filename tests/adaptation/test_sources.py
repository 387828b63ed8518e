"""Tar shards, Parquet files and Hub datasets are streamed; row groups of Parquet are read about once an epoch."""

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


def write_hub(path, numbers):
    """A split of a repository, as `datasets` writes it."""
    import datasets

    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    rows = [{"image": {"bytes": png(n), "path": None}, "text": f"picture number {n}"} for n in numbers]
    datasets.Dataset.from_list(rows, features=features).to_parquet(str(path))


PARTS = {"train-0": (0, N // 2), "train-1": (N // 2, N), "test": (N, N + 10), "val": (N + 10, N + 20)}


@pytest.fixture
def opened(tmp_path, settings, monkeypatch):
    """Training pairs of a source of some kind; training images lie in two files."""

    def build(kind, **source):
        if kind == "hub":
            import datasets

            monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf"))
            (tmp_path / "repo" / "data").mkdir(parents=True)
            named = {"train-0": "train-00000-of-00002", "train-1": "train-00001-of-00002"}
            named |= {"val": "validation-00000-of-00001", "test": "test-00000-of-00001"}
            for name, numbers in PARTS.items():
                write_hub(tmp_path / "repo" / "data" / f"{named[name]}.parquet", range(*numbers))
            table = 'type = "hub", id = "repo"'
        else:
            write, suffix = {"webdataset": (write_tar, "tar"), "parquet": (write_parquet, "parquet")}[kind]
            for name, numbers in PARTS.items():
                write(tmp_path / f"{name}.{suffix}", range(*numbers))
            paths = ", ".join(f'{split} = "{split}*.{suffix}"' for split in ("train", "val", "test"))
            table = f'type = "{kind}", path = {{ {paths} }}'
        columns = 'image = "png"\ncaption = "txt"' if kind == "webdataset" else 'caption = "text"'
        card = f'name = "pairs"\ntask = "retrieval"\nsource = {{ {table} }}\n[columns]\n{columns}\n'
        (tmp_path / "pairs.toml").write_text(card, encoding="utf-8")
        return TrainingPairs(open_dataset(str(tmp_path / "pairs.toml"), settings), TrainedOn(dataset="pairs", **source))

    return build


@pytest.mark.parametrize("kind", ["webdataset", "parquet", "hub"])
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
