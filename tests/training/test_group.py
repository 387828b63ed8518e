"""Processes that train together take the steps that one process takes with whole batches."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from workbench.training.batches import Batch, parts_of
from workbench.training.group import Group
from workbench.training.loop import Quality, TrainingResult, train

SIZES = (7, 1, 4)
"""Images of the batches: with three processes two have nothing of the second."""


def fit(group: Group | None, micro: int | None = None) -> tuple[TrainingResult, dict[str, nn.Parameter]]:
    """Least squares by mini-batches, one parameter without a gradient; each rank validates a little differently."""
    generator = torch.Generator().manual_seed(0)
    shown, wanted = torch.randn(12, 3, generator=generator), torch.randn(12, 2, generator=generator)
    parameters = {
        "weight": nn.Parameter(torch.zeros(3, 2)),
        "idle": nn.Parameter(torch.ones(2)),
        "bias": nn.Parameter(torch.zeros(2)),
    }

    def batches(epoch: int):
        start = 0
        for size in SIZES:
            rows = np.arange(start, start + size)
            own = rows if group is None else group.own(rows)
            yield Batch(own, shown[own], len(own) / size)
            start += size

    def loss(batch: Batch) -> torch.Tensor:
        return (batch.shown @ parameters["weight"] + parameters["bias"] - wanted[batch.rows]).square().mean()

    def validate() -> Quality:
        with torch.no_grad():
            error = (shown @ parameters["weight"] + parameters["bias"] - wanted).square().mean()
        return Quality(-float(error) + (group.rank if group else 0), {})

    rng = np.random.default_rng(0)
    found = train(
        parameters, batches, loss, parts=lambda batch: parts_of(batch, micro, rng), epochs=4, steps_per_epoch=3,
        learning_rate=0.1, validate=validate, group=group,
    )  # fmt: skip
    return found, parameters


def main(meeting: str, rank: int, ranks: int) -> None:
    """One of the processes: print what came of it."""
    from workbench.executors.ranks import joined
    from workbench.training.group import current_group

    with joined(Path(meeting), rank, ranks):
        found, parameters = fit(current_group(), 2)
    values = {name: parameter.tolist() for name, parameter in parameters.items()}
    scores = [quality.score for quality in found.qualities]
    print(json.dumps([values, found.losses, scores, found.idle, found.epoch]))  # noqa: T201


def test_three_processes_end_with_the_parameters_of_one(tmp_path: Path) -> None:
    commands = [
        [sys.executable, "-m", "tests.training.test_group", str(tmp_path / "meet"), str(i), "3"] for i in range(3)
    ]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert answers[0] == answers[1] == answers[2], "to the last digit, or they would drift apart"
    values, losses, scores, idle, epoch = json.loads(answers[0])
    alone, parameters = fit(None)
    for name, parameter in parameters.items():
        torch.testing.assert_close(torch.tensor(values[name]), parameter.data)
    np.testing.assert_allclose(losses, alone.losses, rtol=1e-5)
    np.testing.assert_allclose(scores, [quality.score for quality in alone.qualities], rtol=1e-4)
    assert tuple(idle) == alone.idle == ("idle",)
    assert epoch == alone.epoch


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
