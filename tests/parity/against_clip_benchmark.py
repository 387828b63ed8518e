"""The same model, images, single template and fp32 in clip-benchmark and here; run by hand:

    python tests/parity/against_clip_benchmark.py DATASET

clip-benchmark needs an older NumPy, so uv gives it an environment of its own. The dataset must be an image folder with
groups or not; orientation tags are ignored there and applied here, so it should have none.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from workbench.datasets import open_dataset
from workbench.models.offline_lite import checkpoint
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.settings import Settings

THEIRS = ["uv", "run", "--no-project", "--python", "3.11", "--with", "clip-benchmark==1.6.2", "--with", "numpy<2.1"]


def main(argument: str) -> None:
    """Print both accuracies and how many test images lie between them."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(precision="fp32", device="cpu", runs=Path(folder) / "runs")
        suite = Suite(
            name="parity", models=("offline-lite",), datasets=(argument,), baseline=False, figures=False,
            recipes=(RecipeEntry(recipe="zero-shot", config={"prompts": "single"}),),
        )  # fmt: skip
        (run,) = run_suite(suite, settings)
        dataset = open_dataset(argument, settings)
        rows = dataset.rows("test")
        root = Path(dataset._source.root)
        items = [
            [str(root / dataset.manifest.records[row].location.file), int(label)]
            for row, label in zip(rows, dataset.labels(rows), strict=True)
        ]
        job = Path(folder) / "job.json"
        job.write_text(
            json.dumps(
                {
                    "model": f"local-dir:{checkpoint.folder(settings.cache)}",
                    "items": items,
                    "class_names": dataset.class_names,
                    "templates": dataset.prompts.templates[:1],
                }
            ),
            encoding="utf-8",
        )
        command = [*THEIRS, "python", str(Path(__file__).parent / "theirs.py"), str(job)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        theirs = json.loads(printed.strip().splitlines()[-1])
    ours = run.metrics["accuracy"]
    apart = round(abs(ours - theirs["accuracy"]) * theirs["n"])
    print(f"here {ours:.6f}, clip-benchmark {theirs['accuracy']:.6f}: {apart} of {theirs['n']} test images apart")


if __name__ == "__main__":
    main(sys.argv[1])
