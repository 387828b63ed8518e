"""Time and memory of large data: a store of features, a WebDataset, and a probe in blocks. Asserts nothing:

    python tests/performance/bench_large.py FOLDER [store ROWS | webdataset IMAGES[,IMAGES] | probe IMAGES]

FOLDER needs about 600 bytes a row of the store. Memory is the peak of what is the process's own (`RssAnon`): pages of
mapped files are the system's, which takes them back when it needs them.
"""

import io
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

WIDTH, SHARD_ROWS = 64, 2048


def own_memory() -> float:
    """Megabytes that this process has for itself."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def measured(what: str) -> Iterator[None]:
    """Say how long a block took, and by how much it raised the memory at most."""
    before, peak, done = own_memory(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], own_memory())

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - began
        done.set()
        thread.join()
        peak[0] = max(peak[0], own_memory())
        print(f"  {what:44} {seconds:8.2f} s  +{peak[0] - before:7.0f} MB at its peak", flush=True)


def keys_of(shard: int, rows: int) -> np.ndarray:
    return np.random.default_rng(shard).integers(1, 256, (rows, 32), dtype=np.uint8)


def store(folder: Path, rows: int) -> None:
    """A table of `rows` rows in shards of the usual size: made, opened, looked up, and gone through."""
    from workbench.features._table import FeatureTable

    table_folder = folder / f"store-{rows}"
    sizes = [min(SHARD_ROWS, rows - start) for start in range(0, rows, SHARD_ROWS)]
    widths = {"pooled": WIDTH, "projected": WIDTH}
    made = len(list(table_folder.glob("*.safetensors"))) if table_folder.is_dir() else 0
    if made < len(sizes):
        with measured(f"written, {len(sizes)} shards"):
            table = FeatureTable(table_folder, widths)
            for shard, size in enumerate(sizes):
                values = np.random.default_rng([shard, 1]).random((2, size, WIDTH), dtype=np.float32)
                table.commit(keys_of(shard, size), dict(zip(widths, values, strict=True)))
    table = FeatureTable(table_folder, widths)
    with measured("opened, and one key found"):
        assert table.find(keys_of(0, 1)).found.all()
    some = np.random.default_rng(0).integers(0, len(sizes), 50)
    asked = np.concatenate([keys_of(int(shard), sizes[shard])[:20] for shard in some])
    with measured(f"{len(asked)} keys of 50 shards looked up"):
        located = table.find(asked)
        assert located.found.all()
        assert np.isfinite(table.gather(located, "projected")).all()
    with measured("all rows gone through, 16 shards at a time"):
        total = 0.0
        for start in range(0, len(sizes), 16):
            keys = np.concatenate([keys_of(i, sizes[i]) for i in range(start, min(start + 16, len(sizes)))])
            total += float(table.gather(table.find(keys), "projected").sum(dtype=np.float64))
    print(f"  mean {total / rows / WIDTH:.4f}, of uniform numbers", flush=True)


def tar_shards(folder: Path, images: int) -> None:
    from PIL import Image

    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(buffer, "JPEG")
    for start in range(0, images, 1000):
        with tarfile.open(folder / f"s-{start // 1000:05d}.tar", "w") as tar:
            for i in range(start, min(images, start + 1000)):
                # Bytes behind the picture's end make each a content of its own.
                for extension, data in (("jpg", buffer.getvalue() + i.to_bytes(8)), ("cls", b"class-%d" % (i % 20))):
                    info = tarfile.TarInfo(f"{i:08d}.{extension}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))


def webdataset(folder: Path, images: int) -> None:
    """Tiny images in tar shards: listed, opened again, and extracted by a tiny network."""
    from tests.features.subjects import TinyEncoder
    from workbench.datasets import open_card
    from workbench.datasets.card_reading import parse_card
    from workbench.features import FeatureStore, extract
    from workbench.settings import Settings

    shards = folder / f"shards-{images}"
    if not shards.is_dir():
        tar_shards(shards, images)
    card = parse_card(f'name = "t"\n[source]\ntype = "webdataset"\npath = "{shards}/s-*.tar"\n', "bench")
    settings = Settings(cache=folder / f"cache-{images}-{time.time_ns()}")
    first = folder / "shards-1"
    if not first.is_dir():
        tar_shards(first, 20)
    open_card(parse_card(f'name = "t"\n[source]\ntype = "webdataset"\npath = "{first}/s-*.tar"\n', "b"), None, settings)
    print(f"{images} images")
    with measured("listed"):
        open_card(card, None, settings)
    with measured("opened from the cache"):
        dataset = open_card(card, None, settings)
        rows = dataset.rows("all")
    with measured("extracted"):
        found = extract(dataset, rows, TinyEncoder(), FeatureStore(settings.cache))
    assert found.computed == images


def probe(folder: Path, images: int) -> None:
    """A linear probe in memory and in blocks of a mapped file."""
    from dataclasses import replace

    from adapters._heads import large_images
    from adapters.linear_probe import LinearProbe, LinearProbeConfig
    from workbench.images import Features, ImageSet
    from workbench.tasks import LabelledImages
    from workbench.testing import planted_task

    classes, widths = 20, (256, 128)
    rng = np.random.default_rng(0)
    prototypes = [rng.normal(size=(classes, width)).astype(np.float32) for width in widths]

    def part(name: str, count: int) -> LabelledImages:
        labels = rng.integers(0, classes, count)
        arrays = []
        for i, width in enumerate(widths):
            values = np.memmap(folder / f"{name}-{i}.f32", np.float32, "w+", shape=(count, width))
            for start in range(0, count, 10_000):
                own = labels[start : start + 10_000]
                noise = rng.normal(size=(len(own), width)).astype(np.float32)
                values[start : start + len(own)] = prototypes[i][own] + 4 * noise
            arrays.append(np.asarray(values))
        return LabelledImages(ImageSet(count, lambda: Features(*arrays), _no_pixels), labels)

    task, _ = planted_task(n_classes=classes, dim=widths[1])
    task = replace(task, train=part("train", images), val=part("val", images // 10), shots=None)
    recipe = LinearProbe(LinearProbeConfig(features="pooled", penalties=(1e-4, 1e-3, 1e-2)))
    weights = []
    print(f"{images} images, {classes} classes, {images * sum(widths) * 4 / 1e6:.0f} MB of features")
    for share, what in ((0.0, "in blocks"), (1.0, "in memory")):
        large_images.SHARE = share
        with measured(what):
            weights.append(recipe.fit(task).weight)
    difference = np.abs(weights[0] - weights[1]).max() / np.abs(weights[1]).max()
    print(f"  weights differ by {difference:.1e} of the largest")


def _no_pixels(index: int) -> object:
    raise AssertionError(index)


PARTS: dict[str, Callable[[Path, int], None]] = {"store": store, "webdataset": webdataset, "probe": probe}
DEFAULTS = {"store": "10000000", "webdataset": "5000,50000", "probe": "100000"}


def main(folder: str, part: str = "", sizes: str = "") -> None:
    for name in [part] if part else PARTS:
        for size in (sizes or DEFAULTS[name]).split(","):
            if part and sizes == size:
                PARTS[name](Path(folder), int(size))
            else:  # Each in a process of its own: memory that was freed is not always given back.
                subprocess.run([sys.executable, __file__, folder, name, size], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
