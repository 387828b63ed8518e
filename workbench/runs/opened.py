"""The datasets of a suite, each opened once, and what its transfers make of them."""

from collections.abc import Sequence
from functools import partial

from workbench.datasets import Dataset, open_dataset
from workbench.datasets.domains import count_domains
from workbench.datasets.transferred import open_transfer, testable_domains
from workbench.pseudonyms import Pseudonyms
from workbench.recipes import RunSpec
from workbench.runs.reporter import Reporter
from workbench.runs.transfers import with_domains
from workbench.settings import Settings


class OpenedDatasets:
    """Opens datasets when they are first asked for.

    Args:
        settings: Cache, data folder, and whether names are hidden.
        language: See `Suite`.
        reporter: Gets progress of reading.
    """

    def __init__(self, settings: Settings, language: str | None, reporter: Reporter) -> None:
        self._settings, self._language, self._reporter = settings, language, reporter
        self._whole: dict[str, Dataset] = {}
        self._of_runs: dict[str, Dataset] = {}
        self._domains: dict[str, list[str]] = {}

    def whole(self, argument: str) -> Dataset:
        """The dataset of an argument, under pseudonyms where it hides names.

        Raises:
            WorkbenchError: It cannot be opened.
        """
        if argument not in self._whole:
            progress = partial(self._reporter.progress, f"reading {argument}")
            dataset = open_dataset(argument, self._settings, progress, language=self._language)
            hides_names = self._settings.hash_ids or dataset.card.privacy.hash_ids
            self._whole[argument] = (
                dataset.under_pseudonyms(Pseudonyms.of_machine(self._settings.cache)) if hides_names else dataset
            )
        return self._whole[argument]

    def of(self, spec: RunSpec) -> Dataset:
        """What a run is made on: a dataset, or what a transfer makes of two.

        Raises:
            WorkbenchError: It cannot be opened, or the transfer cannot be made.
        """
        transfer = spec.transfer
        if transfer is None:
            return self.whole(spec.dataset)
        if spec.data not in self._of_runs:
            source, target = self.whole(transfer.source), self.whole(transfer.target)
            self._of_runs[spec.data] = open_transfer(transfer, source, target)
        return self._of_runs[spec.data]

    def with_domains(self, specs: Sequence[RunSpec]) -> list[RunSpec]:
        """Specifications with a run for each domain of a dataset whose domains are left out in turn.

        Raises:
            WorkbenchError: A dataset cannot be opened, or has no domains.
        """
        return with_domains(specs, self._domains_of)

    def _domains_of(self, argument: str) -> list[str]:
        """Domains to be left out in turn; says which are not, since they have no test images."""
        if argument not in self._domains:
            dataset = self.whole(argument)
            self._domains[argument] = testable_domains(dataset)
            untested = sorted(count_domains(dataset).keys() - set(self._domains[argument]))
            if untested:
                self._reporter.say(
                    f"{dataset.name}: domains without test images are trained on and not left out: "
                    f"{', '.join(untested)}."
                )
        return self._domains[argument]
