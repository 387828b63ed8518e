"""Image towers in the precision of a run, and opening a model. Asserts nothing; times are of the CPU, on one thread:

    python tests/performance/bench_model.py [ARCHITECTURE [IMAGES]]

Compared are autocast over fp32 weights, weights cast once, and fp32, in turn, on the same batch; each opening is that
of a fresh cache in a process of its own, which has imported torch and open_clip before.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from subjects import environment, write_model

from workbench.memory import keep_freed_memory
from workbench.models._image_tower import ImageTower
from workbench.models.checkpoints import build
from workbench.models.loaded import to_device
from workbench.models.spec import parse_model

OPENING = """
import sys, time
import torch, open_clip
from pathlib import Path
from workbench.models import open_model
from workbench.settings import Settings
began = time.process_time()
encoder = open_model(sys.argv[1], Settings(cache=Path(sys.argv[2]), precision="bf16", device="cpu"))
encoder.encode_images(torch.rand(8, 3, 224, 224))
print(time.process_time() - began)
"""


def towers(argument: str, images: int, repetitions: int = 5) -> dict[str, tuple[float, float]]:
    """Images a second and 1 - mean cosine with fp32, by way of computing."""
    loaded = build(parse_model(argument))
    to_device(loaded.network, "cpu")
    exact, cast, autocast = (ImageTower(loaded, "cpu", precision) for precision in ("fp32", "bf16", "bf16"))
    autocast._cast = None
    ways = {"fp32": exact, "bf16, autocast": autocast, "bf16, cast once": cast}
    pixels = torch.randn(images, 3, *loaded.image_size, generator=torch.Generator().manual_seed(0))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    features = {}
    for _ in range(repetitions + 1):
        for name, tower in ways.items():
            began = time.process_time()
            features[name] = tower(pixels)[1].double()
            seconds[name].append(time.process_time() - began)
    drift = {name: 1 - torch.cosine_similarity(features[name], features["fp32"]).mean().item() for name in ways}
    return {name: (images / statistics.median(seconds[name][1:]), drift[name]) for name in ways}


def opening(argument: str, repetitions: int = 3) -> float:
    """Seconds of opening a model and encoding eight images, the first time."""
    taken = []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-c", OPENING, argument, cache]
            printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout
            taken.append(float(printed.split()[-1]))
    return statistics.median(taken)


def main(architecture: str = "ViT-B-32", images: int = 32) -> None:
    """Print both."""
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        argument = write_model(Path(folder) / "model", architecture)
        found = towers(argument, images)
        base = found["bf16, autocast"][0]
        for name, (speed, drift) in found.items():
            print(
                f"{architecture}, {name}: {speed:.1f} images/s a core, {speed / base:.2f} x autocast, drift {drift:.1e}"
            )
        print(f"opening and eight images: {opening(argument):.2f} s of CPU")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
