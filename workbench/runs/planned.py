"""Turn a suite into planned runs: names resolved, datasets opened, models identified, each with its key and task."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from workbench.datasets import Dataset, place_of
from workbench.datasets.trained_on import TrainedOn
from workbench.errors import DataError, RecipeError
from workbench.features import FeatureStore
from workbench.models import Encoder, open_model, resolve_device
from workbench.models.catalogue import check_model
from workbench.models.field_models import seen_in_training
from workbench.models.languages import check_language
from workbench.recipes import RunSpec
from workbench.runs.broken import BrokenRecipe
from workbench.runs.key import run_key
from workbench.runs.opened import OpenedDatasets
from workbench.runs.planning import NO_MODEL, plan
from workbench.runs.reporter import Reporter
from workbench.runs.source import RecipeSource, recipe_source
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tasks import DatasetTask, TaskData, dataset_task, tasks_of
from workbench.tasks.near_duplicates import NearDuplicates
from workbench.tracking import RunResult, schema
from workbench.tracking.places import place_names, recorded_place


@dataclass(frozen=True)
class PlannedRun:
    """A run with its key, its task and its recipe's source."""

    spec: RunSpec
    key: str
    task: DatasetTask
    source: RecipeSource

    @property
    def data(self) -> TaskData:
        """The dataset and the model."""
        return self.task.data

    @cached_property
    def place(self) -> str:
        """The place of the dataset as it is recorded."""
        dataset = self.data.dataset
        return recorded_place(place_of(self.spec.dataset), dataset.pseudonyms, dataset.name)

    @property
    def dataset_argument(self) -> str:
        """The dataset's argument as it is recorded."""
        hidden = self.data.dataset.pseudonyms is not None
        return self.data.dataset.name if hidden else place_names(recorded_place(self.spec.dataset))

    @property
    def trained_on(self) -> TrainedOn | None:
        """Where its training images come from, if not from the dataset that it is tested on."""
        return self.data.dataset.trained_on

    @property
    def recorded_name(self) -> str:
        """The run in words, without places that are not to be recorded."""
        spec, dataset = self.spec, self.data.dataset
        if spec.transfer is None:
            return str(replace(spec, dataset=self.dataset_argument))
        across = "" if self.trained_on is None else f" from {self.trained_on.name}"
        return str(replace(spec, dataset=dataset.name, transfer=None, shown=f"{spec.shown}{across}"))

    @property
    def is_batched(self) -> bool:
        """Whether its recipe fits it together with others that differ in shots and seed."""
        return self.task.does(self.spec.factory) and self.task.batches(self.spec.factory)

    def is_answered_by(self, run: RunResult) -> bool:
        """Whether a run is this one, finished, and made by the recipe as it is now."""
        return run.key == self.key and run.status == "finished" and not self.must_replace(run)

    def must_replace(self, run: RunResult) -> bool:
        """Whether a finished run of this key is no answer: its recipe was edited, or it names what is to be hidden."""
        return self.is_edited_since(run) or self.hides_names_of(run)

    def hides_names_of(self, run: RunResult) -> bool:
        """Whether this run is to have pseudonyms, and one that was made earlier has none, or those of another key."""
        pseudonyms = self.data.dataset.pseudonyms
        return pseudonyms is not None and run.tags.get(schema.PSEUDONYMS) != pseudonyms.key_name

    def is_edited_since(self, run: RunResult) -> bool:
        """Whether the recipe has another source than when it made a run, where the source decides."""
        return self.source.decides and run.tags.get(schema.RECIPE_SOURCE, "") != self.source.digest


def prepare_runs(
    suite: Suite, settings: Settings, reporter: Reporter, cells: Collection[tuple[str, str]] | None = None
) -> list[PlannedRun]:
    """Resolve names, open datasets and identify models; any error in a suite is raised here, before any work.

    Args:
        suite: The suite.
        settings: Cache, device, precision.
        reporter: Gets messages, and progress of reading.
        cells: What is opened by runs that are wanted, see `cell_of`; None for all.
    """
    for argument in suite.models:
        check_model(argument)
    device = resolve_device(settings.device)
    store = FeatureStore.of(settings)
    opened = OpenedDatasets(settings, suite.language, reporter)
    for argument in () if cells else suite.arguments:
        opened.whole(argument)
    specs = opened.with_domains([spec for spec in plan(suite) if cells is None or cell_of(spec, suite) in cells])
    specs = _without_untestable_sources(specs, suite, opened, reporter)
    recipe_names = {entry.recipe for entry in suite.recipes}
    specs = [spec for spec in specs if spec.recipe in recipe_names or _takes_baseline(opened.of(spec), spec, reporter)]
    for spec in specs:
        _check_fits(spec, opened.of(spec))
    datasets = {spec.data: opened.of(spec) for spec in specs}
    _check_sources_differ(specs, datasets)
    encoders: dict[str, Encoder] = {}
    for argument in dict.fromkeys(cell_of(spec, suite)[1] for spec in specs) if cells else suite.models:
        encoders[argument] = _open_model(argument, list(datasets.values()), settings, reporter)
    tasks: dict[tuple[str, str], DatasetTask] = {}
    duplicates: dict[str, NearDuplicates] = {}
    runs: dict[str, PlannedRun] = {}
    twice: dict[str, str] = {}
    for spec in (_named(spec, datasets[spec.data]) for spec in specs):
        place, dataset = (spec.data, cell_of(spec, suite)[1]), datasets[spec.data]
        if place not in tasks:
            duplicates.setdefault(spec.data, NearDuplicates(dataset, store, settings.workers))
            data = TaskData(
                dataset, encoders[place[1]], store, device, settings.max_unreadable, settings.workers,
                duplicates=duplicates[spec.data],
            )  # fmt: skip
            tasks[place] = dataset_task(data.dataset.card.task)(data)
        task = tasks[place]
        encoder = None if spec.model == NO_MODEL else task.data.encoder
        key = run_key(spec, dataset, encoder, refit=suite.refit)
        if key in runs:
            twice[spec.data] = runs[key].spec.data
            continue
        runs[key] = PlannedRun(spec, key, task, recipe_source(spec.recipe))
    for argument, same in twice.items():
        if argument != same:
            reporter.say(f"{argument} and {same} hold the same and have one name: they are one dataset.")
    return list(runs.values())


def _open_model(argument: str, datasets: Sequence[Dataset], settings: Settings, reporter: Reporter) -> Encoder:
    """A suite's model, after what its user should know of it on these datasets has been said."""
    encoder = open_model(argument, settings)
    said = [check_language(encoder, language) for language in sorted({each.card.language for each in datasets})]
    said.append(seen_in_training(argument, sorted({each.card.name for each in datasets})))
    if encoder.notice:
        said.append(f"{argument} is {encoder.notice}.")
    for sentence in said:
        if sentence is not None:
            reporter.say(sentence)
    return encoder


def cell_of(spec: RunSpec, suite: Suite) -> tuple[str, str]:
    """The dataset and model arguments that runs have in common whose features are computed before any of them.

    All runs of transfers from one source are together, since they need its images.

    Recipes that read nothing still need a model's eyes to know which images are readable.
    """
    return spec.home, suite.models[0] if spec.model == NO_MODEL else spec.model


def _check_sources_differ(specs: Sequence[RunSpec], datasets: Mapping[str, Dataset]) -> None:
    """Refuse two sources of one name: tables could not tell apart what was fitted on them.

    Raises:
        DataError: Two datasets that one target is tested from have one name.
    """
    seen: dict[tuple[str, str], str] = {}
    for spec in specs:
        trained_on = datasets[spec.data].trained_on
        if trained_on is None or spec.transfer is None:
            continue
        first = seen.setdefault((datasets[spec.data].name, trained_on.name), spec.transfer.source)
        if first != spec.transfer.source:
            raise DataError(
                f"[[transfer]] has two sources that are both called {trained_on.name!r}, {first} and "
                f"{spec.transfer.source}; give one another name in its card (`workbench show dataset DATASET --card` "
                "writes one to start from)."
            )


def _named(spec: RunSpec, dataset: Dataset) -> RunSpec:
    """A run whose label says where its training images come from, if from elsewhere."""
    if dataset.trained_on is None:
        return spec
    return replace(spec, label=f"{spec.label} from {dataset.trained_on.name}")


def _without_untestable_sources(
    specs: Sequence[RunSpec], suite: Suite, opened: OpenedDatasets, reporter: Reporter
) -> list[RunSpec]:
    """Leave out runs on a transfer's source alone where it has no test image, as a catalogue of products has none."""
    alone = dict.fromkeys(
        spec.dataset for spec in specs if spec.transfer is None and spec.dataset not in suite.datasets
    )
    untestable = [argument for argument in alone if not len(opened.whole(argument).rows("test"))]
    for argument in untestable:
        reporter.say(
            f"dataset {opened.whole(argument).name!r} has no test split: recipes are fitted on it and tested elsewhere."
        )
    return [spec for spec in specs if spec.transfer is not None or spec.dataset not in untestable]


def _takes_baseline(dataset: Dataset, spec: RunSpec, reporter: Reporter) -> bool:
    """Whether the baseline can be run: it does the task, and the train split has labels."""
    if not dataset_task(dataset.card.task).does(spec.factory):
        return False
    if not len(dataset.rows("train")):
        reporter.say(
            f"dataset {dataset.name!r} has no train split, of which {spec.recipe} counts labels: it is left out."
        )
        return False
    return True


def _check_fits(spec: RunSpec, dataset: Dataset) -> None:
    task = dataset_task(dataset.card.task)
    if not issubclass(spec.factory, BrokenRecipe):
        if not task.does(spec.factory):
            can = ", ".join(tasks_of(spec.factory))
            if not can:
                raise RecipeError(
                    f"recipe {spec.recipe!r} does no installed task: it subclasses none of their capabilities, such as "
                    "workbench.plugin.ClassificationRecipe."
                )
            raise RecipeError(
                f"recipe {spec.recipe!r} does {can}, and dataset {dataset.name!r} is for {dataset.card.task}."
            )
        refused = task.refuse(spec, dataset)
        if refused is not None:
            raise RecipeError(refused)


def fitted_together(runs: Sequence[PlannedRun]) -> Iterator[list[PlannedRun]]:
    """Runs that a recipe fits together, see `DatasetTask.batches`; all others one by one."""
    batches: dict[tuple[Any, ...], list[PlannedRun]] = {}
    for i, run in enumerate(runs):
        settings = run.spec.config.model_dump_json()
        key = (id(run.task), run.spec.model, run.spec.label, settings) if run.is_batched else (i,)
        batches.setdefault(key, []).append(run)
    yield from batches.values()
