"""A place where a small suite is run, disturbed, and run again; and what its runs must look like then."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.faults.processes import Process, start
from tests.faults.world import pictures, tiny_model
from workbench.settings import Settings
from workbench.tracking import RunResult, open_store, read_runs

RECIPES = ("zero-shot", "knn", "linear-probe")

Numbers = dict[tuple[str, str, int], dict[str, float]]


@dataclass
class Findings:
    """What went wrong, by kind; a campaign wants every count to be zero.

    Attributes:
        counts: Number by kind.
        details: A line for each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def add(self, kind: str, detail: str) -> None:
        """Note one."""
        self.counts[kind] += 1
        self.details.append(f"{kind}: {detail}")


@dataclass(frozen=True)
class Site:
    """Data, a model, a cache and a store of their own.

    Attributes:
        folder: Holds everything.
    """

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> "Site":
        """Make data and model, run the suite undisturbed, and keep cache and store as they are then."""
        folder.mkdir(parents=True)
        pictures(folder / "photos", each=8)
        pictures(folder / "new", classes=False, each=1)
        tiny_model(folder / "model")
        site = cls(folder)
        process = site.run()
        assert process.wait() == 0, process.text()
        for name in ("cache", "runs"):
            shutil.copytree(folder / name, folder / f"{name}.kept")
        return site

    @property
    def settings(self) -> Settings:
        """Of every command here."""
        return Settings(cache=self.folder / "cache", runs=self.folder / "runs", device="cpu", precision="fp32")

    @property
    def environment(self) -> dict[str, str]:
        """Variables that keep every command inside the folder."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        return {
            "WORKBENCH_CACHE": str(self.folder / "cache"), "WORKBENCH_RUNS": str(self.folder / "runs"),
            "WORKBENCH_DEVICE": "cpu", "WORKBENCH_PRECISION": "fp32", "WORKBENCH_WORKERS": "1", "HF_HUB_OFFLINE": "1",
            "TMPDIR": str(self.folder / "tmp"), "MLFLOW_DISABLE_TELEMETRY": "true",
        }  # fmt: skip

    def command(self, *more: str, recipes: Sequence[str] = RECIPES) -> list[str]:
        """The suite as a command line."""
        parts = ["run", "--model", f"local-dir:{self.folder / 'model'}", "--dataset", str(self.folder / "photos")]
        for recipe in recipes:
            parts += ["--recipe", recipe]
        return [*parts, "--shots", "1", "--shots", "4", "--seed", "0", "--seed", "1", "--name", "trial", *more]

    def start(
        self,
        arguments: Sequence[str],
        *,
        output: str = "output.txt",
        file_bytes: int | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Process:
        """Begin any command here, with more variables if they are given."""
        environment = {**self.environment, **(more or {})}
        return start(arguments, self.folder, environment, self.folder / output, file_bytes=file_bytes)

    def run(self, *more: str, recipes: Sequence[str] = RECIPES, output: str = "output.txt") -> Process:
        """Begin the suite."""
        return self.start(self.command(*more, recipes=recipes), output=output)

    def restore(self, *names: str) -> None:
        """Put `cache` or `runs` back as the undisturbed suite left them; what is not named is removed."""
        for name in ("cache", "runs"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if name in names:
                shutil.copytree(self.folder / f"{name}.kept", self.folder / name)

    def runs(self) -> list[RunResult]:
        """All runs of the store, whatever their state."""
        return read_runs(open_store(self.settings))

    def run_of(self, recipe: str) -> str:
        """Id of an undisturbed run of a recipe; asked for while the store is there."""
        if recipe not in self._ids:
            self._ids.update({run.recipe: run.run_id for run in self.runs() if run.status == "finished"})
        return self._ids[recipe]

    @cached_property
    def _ids(self) -> dict[str, str]:
        return {}

    @cached_property
    def expected(self) -> Numbers:
        """The undisturbed suite's numbers; asked for before anything is disturbed."""
        return numbers(self.runs())


def numbers(runs: Sequence[RunResult]) -> Numbers:
    """Metrics of finished runs, times left out."""
    return {
        (run.recipe, run.shots, run.seed): {k: v for k, v in run.metrics.items() if not k.endswith("_seconds")}
        for run in runs
        if run.status == "finished"
    }


def check_runs(site: Site, found: Findings, what: str, before: Sequence[RunResult] = ()) -> None:
    """Note what is lost, doubled, left running or wrong among the runs.

    Args:
        site: Where.
        found: Takes the notes.
        what: Said in each of them.
        before: Finished runs that must still be there.
    """
    runs = site.runs()
    finished = [run for run in runs if run.status == "finished"]
    for run in runs:
        if run.status == "running":
            found.add("left running", f"{what}: {run.run_id}")
    for key, count in Counter(run.key for run in finished).items():
        if count > 1:
            found.add("doubled", f"{what}: {count} finished runs of {key[:12]}")
    for run in before:
        if run.run_id not in {each.run_id for each in finished}:
            found.add("lost", f"{what}: {run.run_id} was finished before")
    now = numbers(runs)
    for cell, metrics in site.expected.items():
        if cell not in now:
            found.add("lost", f"{what}: no finished run of {cell}")
        elif now[cell] != metrics:
            other = {key: (value, now[cell].get(key)) for key, value in metrics.items() if now[cell].get(key) != value}
            found.add("wrong numbers", f"{what}: {cell}: {other or now[cell].keys() - metrics.keys()}")


def check_text(process: Process, found: Findings, what: str) -> None:
    """Note a traceback, or the sentence of last resort, in what a command printed."""
    text = process.text()
    if "Traceback (most recent call last)" in text or "unexpected error (" in text:
        found.add("traceback", f"{what}: {text[-1500:]}")
