"""Turn a suite into jobs: names resolved, datasets opened, models identified, each cell with its key and bench."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from workbench.datasets import Dataset, open_dataset
from workbench.errors import DataError, RecipeError
from workbench.features import FeatureStore
from workbench.models import Encoder, open_model, resolve_device
from workbench.models.languages import check_language
from workbench.recipes import Recipe
from workbench.runs.bench import Bench
from workbench.runs.joint_bench import JointBench, bench_class
from workbench.runs.key import run_key
from workbench.runs.planning import NO_MODEL, Cell, plan
from workbench.runs.reporter import Reporter
from workbench.runs.source import RecipeSource, recipe_source
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tracking import RunResult, schema


@dataclass(frozen=True)
class Job:
    """A cell with its key, the bench it runs on, and what its recipe is made of."""

    cell: Cell
    key: str
    bench: Bench
    source: RecipeSource

    @property
    def is_batched(self) -> bool:
        """Whether its recipe fits it together with others that differ in shots and seed."""
        return self.cell.factory.fit_many is not Recipe.fit_many and not isinstance(self.bench, JointBench)

    def is_answered_by(self, run: RunResult) -> bool:
        """Whether a run is this one, finished, and made by the recipe as it is now."""
        return run.key == self.key and run.status == "finished" and not self.is_edited_since(run)

    def is_edited_since(self, run: RunResult) -> bool:
        """Whether the recipe has another source than when it made a run, where the source decides."""
        return self.source.decides and run.tags.get(schema.RECIPE_SOURCE, "") != self.source.digest


def prepare_jobs(suite: Suite, settings: Settings, tell: Reporter) -> list[Job]:
    """Resolve names, open datasets and identify models; whatever is wrong with a suite shows here, before any work."""
    cells = plan(suite)
    device = resolve_device(settings.device)
    store = FeatureStore(settings.cache)
    datasets: dict[str, Dataset] = {}
    for argument in suite.datasets:
        datasets[argument] = open_dataset(
            argument, settings, partial(tell.progress, f"reading {argument}"), language=suite.language
        )
    asked = {entry.recipe for entry in suite.recipes}
    cells = [cell for cell in cells if cell.recipe in asked or _takes_baseline(datasets[cell.dataset], cell, tell)]
    for cell in cells:
        _check_fits(cell, datasets[cell.dataset])
    encoders: dict[str, Encoder] = {}
    for argument in suite.models:
        encoders[argument] = open_model(argument, settings)
        for language in sorted({dataset.card.language for dataset in datasets.values()}):
            doubt = check_language(encoders[argument], language)
            if doubt is not None:
                tell.say(doubt)
        if encoders[argument].notice:
            tell.say(f"{argument} is {encoders[argument].notice}.")
    benches: dict[tuple[str, str], Bench] = {}
    jobs: dict[str, Job] = {}
    twice: dict[str, str] = {}
    for cell in cells:
        # Recipes that read nothing still need a model's eyes to know which images are readable.
        argument = suite.models[0] if cell.model == NO_MODEL else cell.model
        bench = benches.setdefault(
            (cell.dataset, argument),
            bench_class(datasets[cell.dataset])(
                datasets[cell.dataset], encoders[argument], store, device, settings.max_unreadable, settings.workers
            ),
        )
        encoder = None if cell.model == NO_MODEL else bench.encoder
        key = run_key(cell, bench.dataset, encoder, refit=suite.refit)
        if key in jobs:
            twice[cell.dataset] = jobs[key].cell.dataset
            continue
        jobs[key] = Job(cell, key, bench, recipe_source(cell.recipe))
    for argument, other in twice.items():
        if argument != other:
            tell.say(f"{argument} and {other} hold the same and have one name: they are one dataset.")
    return list(jobs.values())


def _takes_baseline(dataset: Dataset, cell: Cell, tell: Reporter) -> bool:
    """Whether the baseline that every suite has can be run; it is one of classification, and counts labels of train."""
    if dataset.card.task not in cell.factory.tasks:
        return False
    if not len(dataset.rows("train")):
        tell.say(f"dataset {dataset.name!r} has no train split, of which {cell.recipe} counts labels: it is left out.")
        return False
    return True


def _check_fits(cell: Cell, dataset: Dataset) -> None:
    task = dataset.card.task
    if task not in cell.factory.tasks:
        can = ", ".join(sorted(cell.factory.tasks))
        raise RecipeError(f"recipe {cell.recipe!r} does {can}, and dataset {dataset.name!r} is for {task}.")
    if dataset.card.multi_label and not cell.factory.multi_label:
        raise RecipeError(f"recipe {cell.recipe!r} cannot do multi-label datasets such as {dataset.name!r}.")
    if len(dataset.unseen_classes) and not cell.factory.unseen:
        raise RecipeError(
            f"recipe {cell.recipe!r} cannot recognise classes without training images, of which dataset "
            f"{dataset.name!r} has {len(dataset.unseen_classes)}."
        )
    _check_unseen(dataset)


def _check_unseen(dataset: Dataset) -> None:
    """Refuse unseen classes of which test measures nothing: every recipe would fail, and only after its training."""
    unseen = dataset.unseen_classes
    if not len(unseen):
        return
    labels = dataset.labels(dataset.rows("test"))
    inside = np.isin(labels[labels >= 0], unseen)
    if len(inside) and (inside.all() or not inside.any()):
        named = ", ".join(dataset.class_names[c] for c in unseen[:5]) + (", ..." if len(unseen) > 5 else "")
        lack = "any other class" if inside.all() else "them"
        raise DataError(
            f"dataset {dataset.name!r}: splits.unseen keeps {named} for test, and test has no image of {lack}; seen "
            "and unseen classes are compared on test, so give it images of both, or take splits.unseen out of the card."
        )


def batches(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that a recipe fits together because it has a batched `fit_many`; all others one by one."""
    found: dict[tuple[Any, ...], list[Job]] = {}
    for i, job in enumerate(jobs):
        settings = job.cell.config.model_dump_json()
        key = (id(job.bench), job.cell.model, job.cell.label, settings) if job.is_batched else (i,)
        found.setdefault(key, []).append(job)
    yield from found.values()
