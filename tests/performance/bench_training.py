"""A step of `lora` against a bare loop of the same forward and backward passes. Prints seconds a step and their ratio:

    OMP_NUM_THREADS=2 python tests/performance/bench_training.py [IMAGES BATCH]

The image tower is ViT-B-32's, with random weights; images are JPEGs of 400 x 300, decoded once and augmented in each
epoch, which the bare loop is spared: its batches lie in memory. Runs of one and of three epochs are timed in turn, so
that what comes before the first step cancels. Asserts nothing.
"""

import io
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from adapters.lora.recipe import Lora
from workbench.datasets.prompts import ClassPrompts
from workbench.images import Features, ImageSet
from workbench.models import LoadedModel
from workbench.plugin import AdaptedModel, ClassificationTask, Compute, LabelledImages
from workbench.training.objective import classification_loss

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
VISION = {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32}
CLASSES, EPOCHS, ROUNDS = 8, (1, 3), 5


def loaded_model() -> LoadedModel:
    """A network of its own at every call."""
    torch.manual_seed(0)
    network = open_clip.CLIP(512, VISION, TEXT).eval()
    transform = open_clip.image_transform(224, is_train=False)
    tokenizer = open_clip.SimpleTokenizer(context_length=16)
    mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    return LoadedModel(network, transform, tokenizer, (224, 224), mean, std)


def task_of(images: int) -> ClassificationTask:
    """Noise as JPEGs, and a model that has what the recipe asks for."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(images):
        buffer = io.BytesIO()
        small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8))
        small.resize((400, 300)).save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())

    def decode(row: int) -> Image.Image:
        return Image.open(io.BytesIO(files[row])).convert("RGB")

    empty = np.zeros((0, 512), np.float32)
    names = tuple(f"class-{i}" for i in range(CLASSES))
    train = LabelledImages(ImageSet(images, lambda: Features(empty, empty), decode), np.arange(images) % CLASSES)
    none = LabelledImages(ImageSet(0, lambda: Features(empty, empty), decode), np.zeros(0, np.int64))
    model = SimpleNamespace(
        load=loaded_model, name="bench", precision="fp32", logit_scale=100.0,
        encode_texts=lambda texts: np.random.default_rng(1).normal(size=(len(texts), 512)).astype(np.float32),
    )  # fmt: skip
    return ClassificationTask(
        dataset="bench", class_names=names, prompts=ClassPrompts(names, ("a {}.",)), train=train, val=none,
        model=model, multi_label=False, shots=None, seed=0, device="cpu",
    )  # fmt: skip


def recipe_seconds(task: ClassificationTask, batch: int, epochs: int) -> float:
    """Of a whole fit."""
    recipe = Lora(Lora.Config(epochs=epochs, batch_size=batch, precision="fp32"))
    began = time.perf_counter()
    recipe.fit(task)
    return time.perf_counter() - began


def bare_seconds(task: ClassificationTask, batch: int, epochs: int) -> float:
    """Of forward and backward passes and AdamW's steps over batches in memory."""
    compute = Compute("cpu", "fp32")
    adapted = AdaptedModel.create(task.model, compute, ("image",), None, rank=8, alpha=8.0, dropout=0.0)
    steps = -(-len(task.train) // batch)
    pixels = torch.randn(batch, 3, 224, 224)
    labels, classes = torch.arange(batch) % CLASSES, torch.nn.functional.normalize(torch.randn(CLASSES, 512), dim=1)
    began = time.perf_counter()
    optimiser = torch.optim.AdamW(adapted.parameters().values(), lr=1e-4)
    for _ in range(epochs * steps):
        optimiser.zero_grad()
        embedded = torch.nn.functional.normalize(adapted.loaded.image_features(pixels)[1], dim=1)
        classification_loss(100 * embedded @ classes.T, labels).backward()
        optimiser.step()
    return time.perf_counter() - began


def main(images: int = 64, batch: int = 16) -> None:
    """Time both in turn."""
    task, steps = task_of(images), -(-images // batch)
    ratios = []
    for _ in range(ROUNDS):
        ours, bare = (
            (run(task, batch, EPOCHS[1]) - run(task, batch, EPOCHS[0])) / (steps * (EPOCHS[1] - EPOCHS[0]))
            for run in (recipe_seconds, bare_seconds)
        )
        ratios.append(bare / ours)
        print(
            f"a step of {batch} images: lora {ours:.2f} s, bare loop {bare:.2f} s, ratio {bare / ours:.2f}", flush=True
        )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
