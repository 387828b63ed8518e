"""Coloured images with captions, with labels, and what an adaptation is made of."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from workbench.adaptation.config import TrainedOn
from workbench.adaptation.network import AdaptedNetwork
from workbench.adaptation.pairs import TrainingPairs
from workbench.adaptation.stream import PairStream
from workbench.datasets import open_dataset
from workbench.features import CachedModel, FeatureStore
from workbench.models import open_model
from workbench.training import Augmentation, Compute, seeded

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200)}
SIZES = {"train": 8, "val": 4, "test": 6}
CARDS = {
    "squares": """
task = "retrieval"
columns = { image = "file", caption = "caption", split = "split" }
""",
    "colours": """
task = "classification"
columns = { image = "file", label = "colour", split = "split" }
prompts = { templates = ["a {} square", "a picture of a {} square"] }
""",
}


@pytest.fixture(scope="session")
def squares(tmp_path_factory):
    """A folder with one table of images, and a card for each task: of retrieval by captions, and classification."""
    folder, rng = tmp_path_factory.mktemp("squares"), np.random.default_rng(0)
    rows = []
    for split, count in SIZES.items():
        for colour, rgb in COLOURS.items():
            for i in range(count):
                pixels = np.clip(np.array(rgb) + rng.normal(0, 30, (40, 40, 3)), 0, 255).astype(np.uint8)
                name = f"{split}-{colour}-{i}.png"
                Image.fromarray(pixels).save(folder / name)
                caption = f"the {colour} one" if i % 2 else f"a square in {colour}"
                ranks = {"kingdom": "Colora", "family": f"{colour}aceae", "species": f"{colour} {i % 2}"}
                rows.append({"file": name, "split": split, "caption": caption, "colour": colour, **ranks})
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for name, card in CARDS.items():
        head = f'name = "{name}"\nsource = {{ type = "csv", path = "table.csv" }}'
        (folder / f"{name}.toml").write_text(head + card, encoding="utf-8")
    return folder


@pytest.fixture
def pairs(squares, settings):
    """Training pairs of one of the cards."""

    def build(name="squares", left_out=frozenset(), **source):
        dataset = open_dataset(str(squares / f"{name}.toml"), settings)
        return TrainingPairs(dataset, TrainedOn(dataset=name, **source), left_out)

    return build


@pytest.fixture
def adaptation(pairs, tiny_model, settings):
    """A network and its stream for some training settings."""

    def build(training, sources=None, seed=0, precision="fp32", **options):
        model = CachedModel(open_model(tiny_model, settings), FeatureStore.of(settings))
        compute = Compute("cpu", precision)
        with seeded(seed):
            network = AdaptedNetwork(model, training, compute)
        sources = sources or [pairs()]
        counts = [training.batch_size // len(sources)] * len(sources)
        stream = PairStream(
            sources, counts, network.loaded, compute, Augmentation(training.min_crop, training.flip), seed, **options
        )
        return SimpleNamespace(network=network, stream=stream, model=model)

    return build
