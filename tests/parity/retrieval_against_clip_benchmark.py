"""Recall on the same features in clip-benchmark and here; run by hand:

    python tests/parity/retrieval_against_clip_benchmark.py [IMAGES] [CAPTIONS]

clip-benchmark ranks every text with its one image, and counts an image as found where any of its texts is among the
first k. The features are random with planted pairs; ties do not occur. clip-benchmark needs an older NumPy, so uv gives
it an environment of its own.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from workbench.metrics import retrieval_metrics

THEIRS = ["uv", "run", "--no-project", "--python", "3.11", "--with", "clip-benchmark==1.6.2", "--with", "numpy<2.1"]
RECALL_AT = (1, 5, 10)


def main(images: int = 400, captions: int = 5) -> None:
    """Print each recall of both."""
    rng = np.random.default_rng(0)
    image_features = rng.normal(size=(images, 64)).astype(np.float32)
    owner = np.repeat(np.arange(images), captions)
    text_features = (image_features[owner] + 2.5 * rng.normal(size=(len(owner), 64))).astype(np.float32)
    ours = retrieval_metrics(
        image_features, text_features, np.column_stack([owner, np.arange(len(owner))]), replicates=1
    )
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "features.npz"
        np.savez(job, images=image_features, texts=text_features, captions=captions)
        command = [*THEIRS, "python", str(Path(__file__).parent / "their_retrieval.py"), str(job)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    theirs = json.loads(printed.strip().splitlines()[-1])
    for direction, name in (("text_to_image", "image_retrieval"), ("image_to_text", "text_retrieval")):
        for k in RECALL_AT:
            here, there = ours[f"{direction}_recall_at_{k}"].value, theirs[f"{name}_recall@{k}"]
            print(
                f"{direction} recall at {k}: here {here:.6f}, clip-benchmark {there:.6f}, apart {abs(here - there):.1e}"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
