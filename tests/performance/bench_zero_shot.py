"""A zero-shot run as a whole command, cold and warm, against clip-benchmark and against bare forward passes.

    python tests/performance/bench_zero_shot.py [IMAGES [ROUNDS]]

The model is a ViT-B-32 with random weights, the images are JPEGs of 500 x 375 in 81 classes; both programs read the
same bytes, names and templates. Cold means an empty cache; warm, that the features lie in it and the run is not made
yet. clip-benchmark keeps no features between zero-shot runs, so that its cold time stands against both. Bare is what no
program can do without: importing torch and mlflow, and the forward passes of so many images on random pixels, with
weights in the precision of the run. Prints medians of the rounds, and asserts nothing. clip-benchmark is measured where
it is installed (`nox -s bench` does so).
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from subjects import environment, write_model, write_photos

from workbench.models.precision import native_bf16

CLASSES = 81
SHARDS = os.cpu_count() or 1  # Each of clip-benchmark's processes wants one of its own.
TEMPLATES = ("a photo of a {}.", "a blurry photo of a {}.", "a close-up of a {}.")
BARE = """
import sys, time
began = time.perf_counter()
import torch, mlflow
imported = time.perf_counter() - began
import open_clip
dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[sys.argv[1]]
visual = open_clip.create_model("ViT-B-32").visual.eval().to(dtype)
pixels = torch.rand(64, 3, 224, 224).to(dtype)
images = int(sys.argv[2])
began = time.perf_counter()
with torch.inference_mode():
    for start in range(0, images, 64):
        visual(pixels[: min(64, images - start)])
print(imported, time.perf_counter() - began)
"""
# Its accuracy() makes a number of an array of one element, which NumPy has refused since 2.4; all else is as it is.
THEIRS = """
from clip_benchmark.metrics import zeroshot_classification
def accuracy(output, target, topk=(1,)):
    found = output.topk(max(topk), 1).indices
    return [(found[:, :k] == target[:, None]).any(dim=1).float().mean().item() for k in topk]
zeroshot_classification.accuracy = accuracy
from clip_benchmark.cli import main
main()
"""


def write_web_dataset(folder: Path, photos: Path) -> None:
    """The photos in the layout that clip-benchmark reads."""
    names = sorted(path.name for path in (photos / "test").iterdir())
    (folder / "test").mkdir(parents=True)
    (folder / "classnames.txt").write_text("\n".join(names))
    (folder / "zeroshot_classification_templates.txt").write_text("\n".join(t.replace("{}", "{c}") for t in TEMPLATES))
    (folder / "test" / "nshards.txt").write_text(str(SHARDS))
    paths = sorted((photos / "test").glob("*/*.jpg"))
    for shard in range(SHARDS):
        with tarfile.open(folder / "test" / f"{shard}.tar", "w") as tar:
            for number, path in list(enumerate(paths))[shard::SHARDS]:
                label = str(names.index(path.parent.name)).encode()
                for suffix, data in (("jpg", path.read_bytes()), ("cls", label)):
                    entry = tarfile.TarInfo(f"s{number:07d}.{suffix}")
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))


def run(command: list[str], **values: str) -> tuple[float, str]:
    """Seconds of a process, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment(**values))
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return time.perf_counter() - began, done.stdout


def ours(root: Path, model: str, card: Path, precision: str, name: str, cache: str) -> tuple[float, float]:
    """Seconds and accuracy of one command."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "run", "--model", model, "--json"]
    command += ["--dataset", str(card), "--recipe", "zero-shot", "--precision", precision, "--device", "cpu"]
    seconds, printed = run(
        [*command, "--quiet", "--name", name],
        WORKBENCH_CACHE=str(root / cache), WORKBENCH_RUNS=str(root / f"runs-{cache}"),
    )  # fmt: skip
    (accuracy,) = [row["metrics"]["accuracy"] for row in json.loads(printed) if row["recipe"] == "zero-shot"]
    return seconds, accuracy


def theirs(root: Path, precision: str) -> tuple[float, float]:
    """Seconds and accuracy of clip-benchmark's command, on as many decoding processes as there are cores."""
    output = root / "theirs.json"
    command = [sys.executable, "-c", THEIRS, "eval", "--dataset", "wds/made", "--dataset_root"]
    command += [str(root / "web"), "--model", "ViT-B-32", "--pretrained", str(root / "weights.pt"), "--output"]
    command += [str(output), "--batch_size", "64", "--num_workers", str(os.cpu_count()), "--quiet"]
    seconds, _ = run(command + (["--no_amp"] if precision == "fp32" else []))
    return seconds, json.loads(output.read_text())["metrics"]["acc1"]


def main(images: int = 842, rounds: int = 2) -> None:
    """Measure in turn, and print."""
    try:
        import clip_benchmark  # noqa: F401

        has_theirs = True
    except ImportError:
        has_theirs = False
        print("clip-benchmark is not installed: its rows are left out.")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_photos(root / "photos", images, CLASSES)
        model = write_model(root / "model")
        write_web_dataset(root / "web", root / "photos")
        card = root / "made.toml"
        card.write_text(
            f'name = "made"\n[source]\ntype = "folder"\npath = "photos"\n'
            f"[prompts]\ntemplates = {json.dumps(TEMPLATES)}\n"
        )
        _save_weights(root)
        precisions = ["fp32", "bf16"] if native_bf16("cpu") else ["fp32"]
        if len(precisions) == 1:
            print("This processor computes no bf16, so that only fp32 is measured.", flush=True)
        for precision in precisions:
            cold, warm, other, bare = [], [], [], []
            for i in range(rounds):
                seconds, accuracy = ours(root, model, card, precision, f"cold-{i}", f"cache-{precision}-{i}")
                cold.append(seconds)
                warm.append(ours(root, model, card, precision, f"warm-{i}", f"cache-{precision}-{i}")[0])
                if has_theirs:
                    seconds, their_accuracy = theirs(root, precision)
                    other.append(seconds)
                _, printed = run([sys.executable, "-c", BARE, precision, str(images)])
                bare.append(sum(map(float, printed.split())))
            a, b, c = (statistics.median(values) for values in (cold, warm, bare))
            print(f"{precision}: cold {a:.1f} s, {a / c:.2f} x bare ({c:.1f} s); warm {b:.1f} s", flush=True)
            if has_theirs:
                d = statistics.median(other)
                differ = abs(accuracy - their_accuracy) * images
                print(
                    f"{precision}: clip-benchmark {d:.1f} s, {d / a:.2f} x our cold run, {d / b:.1f} x our warm run; "
                    f"accuracy differs by {differ:.0f} of {images} images",
                    flush=True,
                )


def _save_weights(root: Path) -> None:
    """The model's weights as open_clip loads them from a file."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(root / "model" / "open_clip_model.safetensors"), root / "weights.pt")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
