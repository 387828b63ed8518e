"""One image asked of a loaded run against the bare forward pass of its network, both warm, in turn in one process.

    python tests/performance/bench_loaded_run.py [ROUNDS]

The model is a ViT-B-32 with random weights, the run is zero-shot; the images are arrays of 224 x 224 and of 640 x 480.
Bare is the network on a tensor that is ready. Prints medians and 95th percentiles in milliseconds and the ratio of the
medians, and asserts nothing.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from subjects import write_model, write_photos

ROUNDS = 60


def main(rounds: int = ROUNDS) -> None:
    """Make a run, load it, and measure."""
    import torch

    import workbench

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_photos(root / "photos", 24, 3)
        settings = {"cache": root / "cache", "runs": root / "runs", "device": "cpu", "precision": "fp32"}
        model = write_model(root / "model")
        frame = workbench.run(models=model, datasets=root / "photos", recipes="zero-shot", **settings)
        run = workbench.load(str(frame[frame["recipe"] == "zero-shot"]["run_id"].iloc[0]), **settings)
        visual = run.model.load().network.visual.eval()
        rng = np.random.default_rng(0)
        ready = torch.rand(1, 3, 224, 224)
        for height, width in ((224, 224), (480, 640)):
            image = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
            bare, asked = [], []
            for i in range(rounds + 5):
                began = time.perf_counter()
                with torch.inference_mode():
                    visual(ready)
                between = time.perf_counter()
                run.predict(image)
                if i >= 5:
                    bare.append(between - began)
                    asked.append(time.perf_counter() - between)
            a, b = (1000 * statistics.median(values) for values in (asked, bare))
            late = 1000 * float(np.quantile(asked, 0.95))
            print(
                f"{width} x {height}: {a:.1f} ms, 95th percentile {late:.1f} ms; bare {b:.1f} ms; {a / b:.2f} x bare",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
