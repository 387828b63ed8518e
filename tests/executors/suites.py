"""What tests of executors run, and compare with."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from workbench.runs import RecipeEntry, Suite
from workbench.settings import Settings
from workbench.tracking import RunResult, open_store, read_runs

MODULE = """
import os, signal, time
from pathlib import Path
from workbench.plugin import ClassificationRecipe, LinearClassifier, class_embeddings

def is_first(name):  # Of all processes that ask, one is told so.
    try:
        (Path("MARKS") / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

class Dies(ClassificationRecipe):
    trains = False

    def fit(self, task):
        with (Path("MARKS") / "deaths").open("a") as file:
            file.write("died\\n")
        os.kill(os.getpid(), signal.SIGKILL)

class DiesOnce(ClassificationRecipe):
    trains = False

    def fit(self, task):
        if is_first("died-once"):
            os.kill(os.getpid(), signal.SIGKILL)
        return LinearClassifier(class_embeddings(task.model, task.prompts.sentences("single")), scale=10.0)

class Waits(ClassificationRecipe):
    trains = False

    def fit(self, task):
        task_id = "{}_{}".format(os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID"))
        waiting, until = Path("MARKS") / "waiting", time.monotonic() + 60
        waits = is_first("waits")
        with waiting.open("a") as file:
            file.write("{} {} {}\\n".format(task_id, os.environ.get("SLURM_RESTART_COUNT", "0"), os.getpid()))
        while waits and not (Path("MARKS") / "go").exists() and time.monotonic() < until:
            time.sleep(0.05)
        return LinearClassifier(class_embeddings(task.model, task.prompts.sentences("single")), scale=10.0)

class LosesItsNode(ClassificationRecipe):
    trains = False

    def fit(self, task):
        import ray

        mark = Path("MARKS") / "node"
        if not mark.exists():
            (Path("MARKS") / "node.part").write_text(ray.get_runtime_context().get_node_id())
            (Path("MARKS") / "node.part").rename(mark)
            time.sleep(120)
        return LinearClassifier(class_embeddings(task.model, task.prompts.sentences("single")), scale=10.0)
"""

Numbers = dict[str, dict[str, float]]


def suite_of(model: str, *folders, more: tuple[str, ...] = ()) -> Suite:
    """A suite of cheap recipes on folders, with few shots and two seeds."""
    names = ("zero-shot", "nearest-class-mean", "knn", *more)
    entries = tuple(RecipeEntry(recipe=name) for name in names)
    folders = tuple(str(folder) for folder in folders)
    return Suite(
        name="s", models=(model,), datasets=folders, recipes=entries, shots=(1, 4), seeds=(0, 1), figures=False
    )


def numbers(runs: list[RunResult]) -> Numbers:
    """Metrics of finished runs by run key, times left out."""
    return {
        run.key: {name: value for name, value in run.metrics.items() if not name.endswith("_seconds")}
        for run in runs
        if run.status == "finished"
    }


@dataclass(frozen=True)
class Undisturbed:
    """A suite as one process makes it.

    Attributes:
        suite: The suite.
        settings: Its cache holds all features.
        runs: The runs.
        extracted: How many images went through the network.
    """

    suite: Suite
    settings: Settings
    runs: list[RunResult]
    extracted: int

    def check(self, settings: Settings, *, datasets: tuple[str, ...] | None = None, others: int = 0) -> list[RunResult]:
        """See that a store has the same runs, each once, with the same keys and metrics, and so many others."""
        stored = read_runs(open_store(settings), "s")
        assert max(Counter(run.key for run in stored).values()) == 1
        names = {Path(folder).name for folder in datasets or self.suite.datasets}
        expected, found = numbers([run for run in self.runs if run.dataset in names]), numbers(stored)
        assert {key: found.get(key) for key in expected} == expected
        assert len(stored) == len(expected) + others
        return stored


class Told:
    """A reporter that remembers, and may do something at a sentence."""

    def __init__(self, at="", do=None):
        self.sentences, self.bars, self.extracted, self._at, self._do = [], {}, 0, at, do

    def say(self, sentence):
        self.sentences.append(sentence)
        if self._do is not None and self._at in sentence:
            do, self._do = self._do, None
            do()

    def progress(self, what, done, total):
        self.bars[what] = (done, total)
        if what.startswith("features of") and done == total:
            self.extracted += total
