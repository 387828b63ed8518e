"""clip-benchmark's zero-shot accuracy, in an environment of its own: see `against_clip_benchmark.py`."""

import json
import sys
from pathlib import Path

import open_clip
import torch
from clip_benchmark.metrics import zeroshot_classification
from PIL import Image


class Listed(torch.utils.data.Dataset):
    """Image files with class indices; clip-benchmark asks it for `classes`."""

    def __init__(self, items, classes, transform):
        self.items, self.classes, self.transform = items, classes, transform

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        path, label = self.items[index]
        return self.transform(Image.open(path).convert("RGB")), label


def main(job: Path) -> None:
    """Read the job, print the accuracy as JSON."""
    job = json.loads(job.read_text(encoding="utf-8"))
    model, transform = open_clip.create_model_from_pretrained(job["model"])
    loader = torch.utils.data.DataLoader(Listed(job["items"], job["class_names"], transform), batch_size=64)
    templates = [template.replace("{}", "{c}") for template in job["templates"]]
    metrics = zeroshot_classification.evaluate(
        model.eval(), loader, open_clip.get_tokenizer(job["model"]), job["class_names"], templates, "cpu", amp=False
    )
    print(json.dumps({"accuracy": metrics["acc1"], "n": len(job["items"])}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
