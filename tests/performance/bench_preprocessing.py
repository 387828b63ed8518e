"""Fast preprocessing against the model's own transform. Asserts nothing; times are of the CPU, on one thread:

    WORKBENCH_DATA=... python tests/performance/bench_preprocessing.py [DATASET ...]

First the speed of one decoding thread of the extraction, reading and checking included, on made pictures of three
sizes and on the datasets; then by how much pixels and features of `offline-lite` and of a ViT-B-32 with random weights
differ.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from subjects import write_model, write_photos

from workbench.datasets import Dataset, open_dataset
from workbench.features._pipeline import Job, batches
from workbench.memory import keep_freed_memory
from workbench.models import Encoder, open_model
from workbench.settings import Settings

SIZES = ((320, 240), (500, 375), (1600, 1200))
IMAGES = 200


def speeds(dataset: Dataset, rows: Sequence[int], encoders: Sequence[Encoder], repetitions: int = 5) -> list[float]:
    """Images a second of each encoder's preprocessing in one thread, in turn; the normalisation is not part of it."""
    jobs = [Job(int(row), b"") for row in rows]
    seconds: list[list[float]] = [[] for _ in encoders]
    for _ in range(repetitions):
        for encoder, taken in zip(encoders, seconds, strict=True):
            began = time.process_time()
            with batches(jobs, dataset, encoder, batch_size=64, workers=1, ahead=2) as stream:
                for batch in stream:
                    if batch.pixels is not None and batch.pixels.dtype == torch.uint8:
                        encoder._ready.normalise(batch.pixels)
            taken.append(time.process_time() - began)
    return [len(jobs) / statistics.median(taken) for taken in seconds]


def drift(dataset: Dataset, rows: Sequence[int], encoder: Encoder) -> tuple[int, float, float, float]:
    """Largest and mean difference of pixels, in levels; mean and largest 1 - cosine of features."""
    transform = encoder.pixel_transform
    fast = torch.stack([dataset.with_pixels(int(row), transform) for row in rows]).permute(0, 3, 1, 2)
    reference = torch.stack([dataset.with_picture(int(row), encoder.preprocess) for row in rows])
    loaded = encoder._ready
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (loaded.mean, loaded.std))
    levels = (fast.float() - ((reference * std + mean) * 255).round()).abs()
    a, b = (
        torch.cat([torch.from_numpy(encoder.encode_images(part).projected) for part in torch.split(pixels, 32)])
        for pixels in (fast, reference)
    )
    distance = 1 - torch.cosine_similarity(a.double(), b.double())
    return int(levels.max()), levels.mean().item(), distance.mean().item(), distance.max().item()


def main(*arguments: str) -> None:
    """Print both."""
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = Settings.load(cache=root / "cache", precision="fp32", device="cpu")
        models = ["offline-lite", write_model(root / "vit")]
        sets = []
        for width, height in SIZES:
            write_photos(root / f"{width}x{height}", IMAGES if width < 1000 else 30, size=(width, height))
            sets.append((f"made, {width}x{height}", str(root / f"{width}x{height}")))
        sets += [(argument, argument) for argument in arguments]
        ways = [settings.model_copy(update={"preprocessing": way}) for way in ("reference", "fast")]
        encoders = [open_model(models[1], own) for own in ways]
        for name, argument in sets:
            dataset = open_dataset(argument, settings)
            rows = np.random.default_rng(0).permutation(dataset.rows("test"))[:IMAGES]
            slow, fast = speeds(dataset, rows, encoders)
            print(f"{name}: reference {slow:.0f}, fast {fast:.0f} images/s a core, {fast / slow:.2f} x", flush=True)
            for model in models:
                most, mean, cosine, worst = drift(dataset, rows, open_model(model, ways[1]))
                print(
                    f"    {model.rpartition('/')[2]}: pixels differ by up to {most} levels, {mean:.4f} in the mean; "
                    f"1 - cosine {cosine:.1e} in the mean, {worst:.1e} at most",
                    flush=True,
                )


if __name__ == "__main__":
    main(*sys.argv[1:])
