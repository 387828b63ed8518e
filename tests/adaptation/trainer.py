"""A training in a process of its own, to be killed: `python -m tests.adaptation.trainer FOLDER CARD MODEL TRAINING`."""

import sys
from pathlib import Path

import torch

from workbench.adaptation.config import TrainedOn, Training
from workbench.adaptation.fit import fit
from workbench.adaptation.network import AdaptedNetwork
from workbench.adaptation.pairs import TrainingPairs
from workbench.adaptation.stream import PairStream
from workbench.datasets import open_dataset
from workbench.features import CachedModel, FeatureStore
from workbench.models import open_model
from workbench.runs.reporter import Silent
from workbench.settings import Settings
from workbench.training import Augmentation, Compute, seeded


def train_one(root: Path, card: str, model: str, training_json: str) -> None:
    """Train, with checkpoints in `root/state.pt`, and write the weights to `root/done.pt`."""
    torch.set_num_threads(1)
    settings = Settings(cache=root / "cache", precision="fp32", device="cpu")
    training = Training.model_validate_json(training_json)
    pairs = TrainingPairs(open_dataset(card, settings), TrainedOn(dataset="squares"))
    compute = Compute("cpu", "fp32")
    with seeded(0):
        network = AdaptedNetwork(CachedModel(open_model(model, settings), FeatureStore.of(settings)), training, compute)
        stream = PairStream([pairs], [training.batch_size], network.loaded, compute, Augmentation(), 0)
        fit(network, stream, training, root / "state.pt", lambda _: (0.0, {}), Silent())
    torch.save({name: parameter.detach() for name, parameter in network.parameters.items()}, root / "done.pt")


if __name__ == "__main__":
    train_one(Path(sys.argv[1]), *sys.argv[2:])
