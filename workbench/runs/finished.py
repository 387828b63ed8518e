"""A finished run, brought back: its predictor, its predictions, its model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.datasets import DatasetCard, parse_card
from workbench.errors import DataError, WorkbenchError
from workbench.features import CachedModel, FeatureStore
from workbench.inputs import check_regular, parse_json, read_text
from workbench.models import Encoder, open_model, resolve_device
from workbench.recipes import Fitted, recipes
from workbench.runs.artifacts import PREDICTOR
from workbench.settings import Settings
from workbench.tasks import DatasetTask, Predictions, dataset_task, installed
from workbench.tasks.adaptation import NAME as ADAPTATION
from workbench.tasks.adaptation import NETWORK
from workbench.texts import shown
from workbench.tracking import RunResult, open_store, schema
from workbench.tracking.places import KnownPlaces
from workbench.tracking.reading import artifact_path, one_run
from workbench.training.weights import put_between, read_weights

if TYPE_CHECKING:
    from workbench.models import LoadedModel

_KEYS = {"precision": str, "model_argument": str, "class_names": list, "multi_label": bool}
"""Keys of `config.json` that are read, with their types."""


@dataclass(frozen=True)
class FinishedRun:
    """Reads a run's artifacts on demand.

    Attributes:
        result: The run.
        settings: Give the store, cache and device.
    """

    result: RunResult
    settings: Settings

    @classmethod
    def open(cls, run_id: str, settings: Settings) -> Self:
        """The finished run with an id, or an unambiguous beginning of one, with test items and a predictor.

        Raises:
            WorkbenchError: There is no such run, or several; it is not finished; or it has no test items: it judges
                generated images, or adapts a network.
        """
        run = cls.open_any(run_id, settings)
        run.check_items()
        return run

    @classmethod
    def open_any(cls, run_id: str, settings: Settings) -> Self:
        """The finished run with an id, or an unambiguous beginning of one, of whatever task.

        Raises:
            WorkbenchError: There is no such run, or several; or it is not finished.
        """
        result = one_run(open_store(settings), run_id)
        if result.status != "finished":
            reason = result.tags.get(schema.ERROR, "")
            raise WorkbenchError(f"run {result.run_id} is {result.status}, not finished. {reason}".strip())
        return cls(result, settings)

    def check_items(self) -> None:
        """Raise `WorkbenchError` if the run has no test items: it judges generated images, or adapts a network."""
        result, task = self.result, installed(self.result.task)
        if task is not None and task.Result is None:
            network = f"; `--model run:{result.run_id[:8]}` takes its network" if result.task == ADAPTATION else ""
            raise WorkbenchError(
                f"run {result.run_id} is of {result.task}: it has no test items and no predictor, so it can neither "
                f"be compared nor applied; `workbench results --suite {result.suite}` shows its scores{network}."
            )

    def artifact(self, name: str) -> Path:
        """Local path of an artifact; raises `WorkbenchError` if it is missing."""
        return artifact_path(open_store(self.settings), self.result, name)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The run's `config.json`."""
        path = self.artifact("config.json")
        config = parse_json(read_text(path, DataError), str(path), DataError)
        for key, kind in _KEYS.items():
            if not isinstance(config, dict) or not isinstance(config.get(key), kind):
                raise DataError(f"{path}: is damaged: it has no {key!r} as a run writes it; run it again with --fresh.")
        return dict(config)

    @cached_property
    def card(self) -> DatasetCard:
        """The dataset card as it was."""
        path = self.artifact("card.toml")
        return parse_card(read_text(path, DataError), str(path))

    @property
    def dataset_argument(self) -> str:
        """The dataset as an argument: its path where that is known on this machine, else as it was given."""
        place = self.result.tags.get(schema.PLACE, "")
        return KnownPlaces(self.settings.cache).find(place) or str(self.config["dataset_argument"])

    @property
    def task(self) -> type[DatasetTask]:
        """The run's task; raises `WorkbenchError` if the package that has the task is not installed."""
        return dataset_task(self.result.task)

    @cached_property
    def predictions(self) -> Predictions:
        """Predictions of the test items."""
        return self.task.Result.read(self.artifact(schema.PREDICTIONS))

    @cached_property
    def encoder(self) -> Encoder:
        """The run's model at the run's precision and preprocessing.

        Raises:
            WorkbenchError: The model is not the one that the run used any more.
        """
        setup = {"precision": self.config["precision"], "preprocessing": self.config.get("preprocessing", "reference")}
        settings = self.settings.model_copy(update=setup)
        encoder = open_model(self.config["model_argument"], settings)
        recorded = self.result.tags.get("model.fingerprint")
        if recorded is not None and encoder.fingerprint != recorded:
            raise WorkbenchError(
                f"run {self.result.run_id}: model {encoder.name!r} has other weights, preprocessing or precision now "
                "than when the run was made; its predictor does not fit."
            )
        return encoder

    @cached_property
    def model(self) -> CachedModel:
        """The model as recipes see it."""
        return CachedModel(self.encoder, FeatureStore.of(self.settings))

    def predictor(self) -> Fitted:
        """The fitted predictor; raises `WorkbenchError` if the recipe did not save one."""
        folder, device = self.artifact(PREDICTOR), resolve_device(self.settings.device)
        recipe, model, task = recipes.get(self.result.recipe), self.model, self.task
        with self._reading(folder):
            return task.restore(recipe, folder, model, device)

    def network(self) -> "LoadedModel":
        """The base model's network with what the run has learned in it.

        Raises:
            WorkbenchError: The run's recipe adapts no weights, or they cannot be read.
        """
        if self.result.task != ADAPTATION:
            self.check_items()
            return self.predictor().merged(self.model)
        folder, loaded = self.artifact(NETWORK), self.model.load()
        with self._reading(folder):
            put_between(loaded, read_weights(folder), float(self.config["alpha"]))
        return loaded

    @contextmanager
    def _reading(self, folder: Path) -> Iterator[None]:
        """Raise one error for any failure to read: damaged files can make a recipe raise anything."""
        try:
            for path in sorted(folder.rglob("*")):
                if not path.is_dir():
                    check_regular(path)
            yield
        except (WorkbenchError, KeyboardInterrupt):
            raise
        except BaseException as error:  # Rust's panics are no Exception.
            reason = shown(f"{type(error).__name__}: {error}", 300)
            raise DataError(
                f"run {self.result.run_id}: what it keeps in {folder} cannot be read ({reason}). It is damaged, or of "
                f"another version of recipe {self.result.recipe!r}; run it again with --fresh."
            ) from error
