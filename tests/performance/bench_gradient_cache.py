"""Memory and time of one step of contrastive training, the batch whole and in parts: `python ... [BATCH] [PART ...]`.

A ViT-B/32 without weights, fp32, images and texts of full length; each measurement has a process of its own. Memory is
what the step adds to the peak of the process.
"""

import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


def peak() -> float:
    """Highest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def step(batch: int, part: int) -> None:
    """Take one step, and print its memory and time."""
    import open_clip
    import torch
    import torch.nn.functional as F

    from workbench.training.contrastive import contrastive_loss
    from workbench.training.gradient_cache import Side, cached_backward

    torch.manual_seed(0)
    network = open_clip.create_model("ViT-B-32")
    images, texts = torch.randn(batch, 3, 224, 224), torch.randint(1, 49_000, (batch, 77))
    belongs = torch.eye(batch, dtype=torch.bool)

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return contrastive_loss(100 * F.normalize(x, dim=1) @ F.normalize(y, dim=1).T, belongs)

    sides = [
        Side([partial(network.encode_image, x) for x in images.split(part)]),
        Side([partial(network.encode_text, x) for x in texts.split(part)]),
    ]
    before, started = peak(), time.perf_counter()
    cached_backward(sides, loss)
    print(f"batch {batch}, parts of {part}: {peak() - before:.2f} GiB, {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        step(*map(int, sys.argv[2:]))
    else:
        batch, *parts = [int(number) for number in sys.argv[1:]] or [64, 64, 16, 4]
        for part in parts:
            subprocess.run([sys.executable, __file__, "one", str(batch), str(part)], check=True)
