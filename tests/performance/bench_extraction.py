"""Cold extraction against bare decoding plus bare forward passes. Asserts nothing; run it on a quiet machine:

python tests/performance/bench_extraction.py [IMAGES]
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from subjects import write_photos

from workbench.cores import usable_cores
from workbench.datasets import open_dataset
from workbench.datasets.images import decode_image
from workbench.features import FeatureStore, extract
from workbench.models import open_model
from workbench.settings import Settings


def main(count: int) -> None:
    """Measure three times in turn, and print the median ratio."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        write_photos(root / "photos", count)
        settings = Settings(cache=root / "cache")
        dataset = open_dataset(str(root / "photos"), settings)
        rows = dataset.rows("test")
        encoder = open_model("offline-lite", settings)
        pool = ThreadPoolExecutor(usable_cores())

        def prepare(row: int) -> torch.Tensor:
            return encoder.preprocess(decode_image(dataset.read(row)))

        warm = torch.stack([prepare(int(row)) for row in rows[:64]])
        for _ in range(3):
            encoder.encode_images(warm)
        ratios = []
        for attempt in range(3):
            began = time.perf_counter()
            batches = [torch.stack(list(pool.map(prepare, rows[i : i + 64].tolist()))) for i in range(0, count, 64)]
            decode = time.perf_counter() - began
            began = time.perf_counter()
            for batch in batches:
                encoder.encode_images(batch)
            forward = time.perf_counter() - began
            del batches
            store = FeatureStore(root / f"store{attempt}")
            began = time.perf_counter()
            extract(dataset, rows, encoder, store)
            whole = time.perf_counter() - began
            ratios.append(whole / (decode + forward))
            print(f"decode {decode:.2f} s, forward {forward:.2f} s, extraction {whole:.2f} s, ratio {ratios[-1]:.3f}")
        print(f"{count} images, {encoder.precision}: median ratio {np.median(ratios):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2500)
