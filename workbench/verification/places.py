"""Which published numbers can be compared on this machine."""

from functools import partial

from workbench.datasets import Dataset, open_dataset
from workbench.datasets.presence import check_present as check_dataset_present
from workbench.errors import MissingDataError, MissingModelError, UnknownNameError, WorkbenchError
from workbench.models.presence import check_present as check_model_present
from workbench.runs.reporter import Reporter
from workbench.settings import Settings
from workbench.verification.check import Check
from workbench.verification.expected import Expected


class Places:
    """Looks for models and datasets, once for each; nothing is downloaded.

    Args:
        settings: Data folder and cache.
        reporter: Gets progress of reading.
    """

    def __init__(self, settings: Settings, reporter: Reporter) -> None:
        self._settings, self._reporter = settings, reporter
        self._models: dict[str, str] = {}
        self._datasets: dict[str, Dataset | WorkbenchError] = {}

    def why_not(self, expected: Expected) -> Check | None:
        """The check of a number that cannot be compared here; None for others."""
        missing = self._model(expected.model)
        if missing:
            return Check(expected, "not here", reason=missing)
        dataset = self._dataset(expected.dataset)
        if isinstance(dataset, MissingDataError | UnknownNameError):
            return Check(expected, "not here", reason=str(dataset))
        if isinstance(dataset, WorkbenchError):
            return Check(expected, "fail", reason=str(dataset))
        other = _other_protocol(expected, dataset)
        return Check(expected, "other protocol", reason=other) if other else None

    def _model(self, argument: str) -> str:
        if argument not in self._models:
            try:
                check_model_present(argument)
                self._models[argument] = ""
            except MissingModelError as error:
                self._models[argument] = str(error)
            except WorkbenchError:  # Preparing the runs says so, too.
                self._models[argument] = ""
        return self._models[argument]

    def _dataset(self, argument: str) -> Dataset | WorkbenchError:
        if argument not in self._datasets:
            try:
                check_dataset_present(argument)
                progress = partial(self._reporter.progress, f"reading {argument}")
                self._datasets[argument] = open_dataset(argument, self._settings, progress)
            except WorkbenchError as error:
                self._datasets[argument] = error
        return self._datasets[argument]


def _other_protocol(expected: Expected, dataset: Dataset) -> str:
    """In which respect a dataset is not the one that the number was measured on; empty if in none that is known."""
    found = {"test images": len(dataset.rows("test")), "classes": len(dataset.class_keys)}
    wanted = {"test images": expected.protocol.test_images, "classes": expected.protocol.classes}
    differ = [
        f"{found[what]:,} {what} here, {number:,} there"
        for what, number in wanted.items()
        if number is not None and number != found[what]
    ]
    return f"dataset {expected.dataset!r} is not what was measured: {'; '.join(differ)}." if differ else ""
