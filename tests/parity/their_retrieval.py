"""clip-benchmark's recall, in an environment of its own: see `retrieval_against_clip_benchmark.py`."""

import json
import sys

import numpy as np
import torch
from clip_benchmark.metrics import zeroshot_retrieval


class Features:
    """A model whose images and texts are features already."""

    def encode_image(self, batch):
        return batch

    def encode_text(self, batch):
        return batch

    def eval(self):
        return self


def main(job: str) -> None:
    """Read features, print the recalls as JSON."""
    data = np.load(job)
    images, texts = torch.from_numpy(data["images"]), torch.from_numpy(data["texts"])
    captions = int(data["captions"])
    # Its collate function gives images and a list of texts for each; "texts" are row numbers here.
    batches = [
        (
            images[i : i + 50],
            [list(range(j * captions, (j + 1) * captions)) for j in range(i, min(i + 50, len(images)))],
        )
        for i in range(0, len(images), 50)
    ]
    metrics = zeroshot_retrieval.evaluate(
        Features(), batches, lambda rows: texts[torch.tensor(rows)], "cpu", amp=False, recall_k_list=[1, 5, 10]
    )
    print(json.dumps({key: float(value) for key, value in metrics.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
