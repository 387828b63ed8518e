"""The state of a training between two steps, on disk: with it the next step is the one that would have come.

It appears whole or not at all, so that a process can be killed at any instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.files import set_aside, written_atomically
from workbench.training.loop import restore, snapshot

_FORMAT = 1


@dataclass
class Best:
    """The step that was best on validation.

    Attributes:
        step: Steps taken until then; 0 is before training.
        score: Mean over the datasets that the adaptation is for.
        values: Of the trained parameters.
    """

    step: int
    score: float
    values: dict[str, Tensor]


@dataclass
class TrainingState:
    """All of a training that its later steps depend on. The order of images is a function of the step.

    Attributes:
        step: Steps taken.
        parameters: What is trained, by name.
        optimiser: Holds them, too.
        device: Whose random numbers the adapters' dropout draws.
        best: None before the first evaluation.
        losses: Of each step since the last evaluation.
        history: A row an evaluation: `step`, `train_loss`, `score`, and the metric of each dataset.
    """

    step: int
    parameters: Mapping[str, nn.Parameter]
    optimiser: torch.optim.Optimizer
    device: str
    best: Best | None = None
    losses: list[Tensor] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it; raises `OSError` where there is no space."""
        content = {
            "format": _FORMAT,
            "step": self.step,
            "values": snapshot(self.parameters),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.startswith("cuda") else None,
            "best": None if self.best is None else [self.best.step, self.best.score, self.best.values],
            "losses": [loss.cpu() for loss in self.losses],
            "history": self.history,
        }
        with written_atomically(path) as file:
            torch.save(content, file)

    def resume(self, path: Path) -> bool:
        """Take up what was saved, where there is something; returns whether there was.

        A damaged file is moved aside, and that is logged.
        """
        if not path.exists():
            return False
        try:
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            fits = content["format"] == _FORMAT and content["values"].keys() == self.parameters.keys()
        except Exception:  # Damaged files make torch raise anything.
            fits = False
        if not fits:
            set_aside(path)
            return False
        restore(self.parameters, content["values"])
        self.optimiser.load_state_dict(content["optimiser"])
        torch.set_rng_state(content["random"])
        if content["random_cuda"] is not None and self.device.startswith("cuda"):
            torch.cuda.set_rng_state(content["random_cuda"], self.device)
        self.step, self.losses, self.history = content["step"], content["losses"], content["history"]
        self.best = None if content["best"] is None else Best(*content["best"])
        return True
