"""One small store with runs of many recipes, exact ones: fp32, and pictures as the model's own transform makes them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import workbench
from workbench.runs.exporting import export_run
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings

HEADS = (
    "zero-shot", "linear-probe", "gda", "nearest-class-mean", "knn", "tip-adapter", "tip-adapter-f", "clip-adapter",
    "task-res", "prolip", "linear-head", "cross-modal-probe", "coop",
)  # fmt: skip
NETWORKS = ("lora", "bias-norm-tuning")
WITHOUT = ("em-dirichlet", "zero", "tda")
QUICK = {
    "coop": {"n_context": 4, "min_steps": 4, "epochs": 1},
    "lora": {"min_steps": 4, "epochs": 2},
    "bias-norm-tuning": {"min_steps": 4, "epochs": 1},
    "linear-head": {"epochs": 2},
    "zero": {"views": 2},
    "tip-adapter-f": {"steps": 4},
    "clip-adapter": {"steps": 4},
    "prolip": {"steps": 4},
}


@dataclass(frozen=True)
class Runs:
    """Runs by recipe, and the settings that they were made with."""

    folder: Path
    ids: dict[str, str]
    settings: Settings

    def open(self, recipe: str) -> FinishedRun:
        return FinishedRun.open_any(self.ids[recipe], self.settings)

    def export(self, recipe: str, folder: Path, form: str | None):
        return export_run(self.open(recipe), folder, form)


def made(folder: Path, home: Path, model: str, recipes) -> Runs:
    settings = Settings(
        cache=home / "cache", runs=home / "runs", precision="fp32", device="cpu", preprocessing="reference"
    )
    entries = [{"recipe": recipe, "config": QUICK.get(recipe, {})} for recipe in recipes]
    frame = workbench.run(
        models=model, datasets=folder, recipes=entries, shots=4, name="export",
        tracking_uri=f"sqlite:///{home / 'runs.db'}", cache=home / "cache", precision="fp32", device="cpu",
        preprocessing="reference",
    )  # fmt: skip
    assert set(frame["status"]) == {"finished"}, frame[["recipe", "status"]]
    ids = dict(zip(frame["recipe"], frame["run_id"], strict=True))
    return Runs(folder, ids, settings.model_copy(update={"tracking_uri": f"sqlite:///{home / 'runs.db'}"}))


@pytest.fixture(scope="session")
def runs(tmp_path_factory, write_colours, tiny_model) -> Runs:
    home = tmp_path_factory.mktemp("export")
    return made(write_colours(home / "colours"), home, tiny_model, (*HEADS, *NETWORKS, *WITHOUT))
