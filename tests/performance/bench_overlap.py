"""How much of decoding and of the network's time is hidden behind the other. Asserts nothing:

    python tests/performance/bench_overlap.py [IMAGES]

The network is a stand-in that takes a set time for a batch without using the CPU, as a GPU does: half as long as
decoding takes, as long, and twice as long. A figure of 1 means that the slower of the two is all that a run waits for;
the time of the first batch's decoding and of the last one's forward pass, in which there is nothing to overlap with, is
counted as well. Decoding alone is a run as well, whose network takes no time, so that a figure can be a little
above 1.
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch
from subjects import write_photos

from workbench.datasets import open_dataset
from workbench.features import FeatureStore, extract
from workbench.images import Features
from workbench.models.pixel_transform import PixelTransform, Resize
from workbench.settings import Settings

RATIOS = (0.5, 1.0, 2.0)
ROUNDS = 7
BATCH = 128  # A GPU has 256.


class Waiting:
    """Takes so many seconds for a full batch, asleep; one batch at a time, as a device does."""

    name, precision, device, embed_dim, pooled_dim = "waiting", "fp32", "stub", 4, 4
    logit_scale, logit_bias, batch_size, samples_needed = 1.0, 0.0, BATCH, 0
    pixel_transform = PixelTransform(Resize((224, 224), "bicubic", "both"), None, (0.5,) * 3, (0.5,) * 3)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._device = threading.Lock()
        self.fingerprint = "f" * 64

    def preprocess(self, image: object) -> torch.Tensor:
        """Called once, to load the network."""
        return torch.zeros(3, 224, 224)

    def encode_images(self, pixels: torch.Tensor) -> Features:
        """Features that tell images apart, late."""
        with self._device:
            time.sleep(self.seconds * len(pixels) / BATCH)
        found = pixels[:, :, :2, :2].reshape(len(pixels), -1)[:, :4].float().numpy() + 1
        return Features(found, found)


def main(count: int) -> None:
    """Decode with the network of each ratio, and alone between; medians of the rounds."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        write_photos(root / "photos", count)
        dataset = open_dataset(str(root / "photos"), Settings(cache=root / "cache"))

        def seconds(forward: float) -> float:
            with tempfile.TemporaryDirectory(dir=root) as folder:
                began = time.perf_counter()
                extract(dataset, dataset.rows("test"), Waiting(forward), FeatureStore(Path(folder)))  # type: ignore[arg-type]
                return time.perf_counter() - began

        shares: dict[float, list[float]] = {ratio: [] for ratio in RATIOS}
        seconds(0.0)
        before = seconds(0.0)
        alone = [before]
        for _ in range(ROUNDS):
            for ratio, found in shares.items():
                forward = ratio * before
                whole = seconds(forward * BATCH / count)
                after = seconds(0.0)
                # Decoding alone just before and just after, since a machine is not always as fast.
                found.append(max((before + after) / 2, forward) / whole)
                alone.append(after)
                before = after
        print(f"{count} images, decoding alone {statistics.median(alone):.2f} s")
        for ratio, found in shares.items():
            print(
                f"forward {ratio} x decoding: {statistics.median(found):.3f} of the slower one "
                f"({min(found):.3f} to {max(found):.3f} in {ROUNDS} rounds)"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
