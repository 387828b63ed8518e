"""Bring the models and datasets of a suite onto this machine, and say which files a machine without internet needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from workbench.datasets import open_dataset
from workbench.datasets.presence import hub_places
from workbench.features.usage import size_on_disk
from workbench.models import models, parse_model
from workbench.models.catalogue import check_model
from workbench.models.reachability import hub_cache
from workbench.models.schemes import schemes
from workbench.runs.reporter import Reporter
from workbench.settings import Settings


@dataclass(frozen=True)
class Fetched:
    """Something that is on this machine now.

    Attributes:
        kind: `model` or `dataset`.
        argument: As the suite names it.
        paths: Files and folders to copy, to the same places of the other machine.
    """

    kind: Literal["model", "dataset"]
    argument: str
    paths: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """What the files take."""
        return sum(size_on_disk(path) for path in self.paths)


def fetch(arguments: Sequence[str], datasets: Sequence[str], settings: Settings, reporter: Reporter) -> list[Fetched]:
    """Download what is not here; nothing is computed, and no weights are loaded.

    Args:
        arguments: Model arguments.
        datasets: Dataset arguments.
        settings: Give the cache and the data folder.
        reporter: Gets progress of reading datasets.

    Raises:
        WorkbenchError: One does not exist, or cannot be had.
    """
    for argument in arguments:
        check_model(argument)
    found = []
    for argument in arguments:
        reporter.say(f"fetching model {argument}")
        found.append(Fetched("model", argument, tuple(_whole(_model_files(argument, settings)))))
    for argument in datasets:
        progress = partial(reporter.progress, f"reading {argument}")
        dataset = open_dataset(argument, settings, progress)
        found.append(Fetched("dataset", argument, tuple(_places(str(dataset.root)))))
    return found


def _model_files(argument: str, settings: Settings) -> list[Path]:
    from workbench.models.checkpoints import find_files
    from workbench.models.embeddings.table import files_of
    from workbench.models.pinned import at_revision

    scheme, _, source = argument.partition(":")
    if source and scheme in schemes.names():
        return [schemes.get(scheme)(source, settings).folder]
    spec = at_revision(parse_model(argument))
    if spec.kind == "plugin":
        return models.get(spec.source).files(settings.cache)
    if spec.kind == "embeddings":
        return files_of(Path(spec.source))
    if spec.kind == "directory":
        return [Path(spec.source)]
    files = find_files(spec)
    return [*files.weights, *files.others]


def _whole(files: Sequence[Path]) -> list[Path]:
    """Files, or the repository's folder in the hub's cache where they are links into it."""
    cache = hub_cache().absolute()
    places = [
        cache / path.absolute().relative_to(cache).parts[0] if path.absolute().is_relative_to(cache) else path
        for path in files
    ]
    return list(dict.fromkeys(places))


def _places(root: str) -> list[Path]:
    """A dataset's folder; of a dataset of the hub, what huggingface_hub and datasets keep of it."""
    if not root:
        return []
    if Path(root).exists():
        return _whole([Path(root)])
    return [path for path in hub_places(root) if path.exists()]
