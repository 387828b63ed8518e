"""Find damaged files, and files that killed processes left in the cache and beside the runs."""

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.features import feature_leftovers
from workbench.features.store import features_folder
from workbench.features.usage import Pruned, damaged_shards, size_on_disk
from workbench.files import CORRUPT, TEMPORARY, is_sealed_intact
from workbench.folders import PART, damaged_files, is_being_made, is_made_folder
from workbench.search.approximate import damaged_indexes
from workbench.settings import Settings
from workbench.tracking import open_store
from workbench.tracking._sqlite import kept_runs

_OURS = ("models", "manifests", "generated", "search", "features-read", "adaptations")
_EARLIER = ("manifests/*/*.parquet", f"models/{24 * '[0-9a-f]'}.json", "search/*.json")
_STALE_SECONDS = 3600.0
_log = logging.getLogger(__name__)


def leftovers(settings: Settings) -> list[Pruned]:
    """Files and folders that are not read any more.

    These are half-written files of killed processes, damaged files that were moved aside, files of earlier versions,
    and artifacts of deleted runs. Empty lock files stay, at most 4,096: deleting a lock in use would break it.

    Args:
        settings: Give the cache and the store; a store on a server is left to MLflow.
    """
    removable = list(feature_leftovers(features_folder(settings.cache)))
    for name in _OURS:
        removable += _below(settings.cache / name)
    for pattern in _EARLIER:
        paths = sorted(settings.cache.glob(pattern))
        removable += [Pruned(path, "of an earlier version", size_on_disk(path)) for path in paths]
    return [*removable, *_orphans(settings), *_unfinished(settings)]


def damage(settings: Settings) -> list[str]:
    """Read all files of the cache and compare them with their checksums.

    Returns:
        A sentence for each damaged file, which says what to do.
    """
    cache = settings.cache
    patterns = (
        "models/*.identity",
        "manifests/*/*.manifest",
        "search/*.about",
        "*/*/.inventory",
        "features-read/*/*/*/*",
    )
    sealed = [path for pattern in patterns for path in cache.glob(pattern) if CORRUPT not in str(path)]
    # First, since reading a damaged file moves it aside.
    damaged = [path for path in sealed if not is_sealed_intact(path)]
    folders = [*_folders(cache / "models"), *_folders(cache / "generated")]
    whole = [
        folder for folder in folders if is_made_folder(folder) and not any(folder in path.parents for path in damaged)
    ]
    sentences = [
        f"{path} is damaged; it is made anew when it is needed next."
        for path in (*damaged, *damaged_shards(features_folder(cache)), *damaged_indexes(cache))
    ]
    # Readers of these check sizes and times alone, which have not changed.
    sentences += [
        f"{path} is damaged; delete {folder}, and it is made anew when it is needed next."
        for folder in whole
        for path in damaged_files(folder)
    ]
    return sentences + [
        f"{path} has changed since it was hashed, but neither its size nor its time has: fetch it again."
        for path in _damaged_weights(cache)
        if not any(folder in path.parents for folder in folders)
    ]


def _damaged_weights(cache: Path) -> Iterator[Path]:
    from workbench.models.identity import read_identity

    for path in sorted((cache / "models").glob("*.identity")):
        identity = read_identity(path) if is_sealed_intact(path) else None
        yield from identity.damaged() if identity else ()


def _below(folder: Path) -> Iterator[Pruned]:
    for path in sorted(folder.rglob("*")):
        if any(CORRUPT in part or part.endswith(PART) for part in path.relative_to(folder).parts[:-1]):
            continue  # Its folder is in the list.
        name, size = path.name, size_on_disk(path)
        if CORRUPT in name:
            yield Pruned(path, "damaged, made anew since", size)
        elif name.startswith(".") and _is_old(path) and _is_half(path):
            yield Pruned(path, "left by a killed process", size)


def _is_half(path: Path) -> bool:
    return path.name.endswith(TEMPORARY) or (path.name.endswith(PART) and not is_being_made(path))


def _orphans(settings: Settings) -> Iterator[Pruned]:
    """Artifacts of runs that a local store does not have any more."""
    store = open_store(settings)
    if store.artifacts is None or not store.artifacts.is_dir() or store.sqlite_file is None or not store.exists:
        return
    try:
        stored_runs = kept_runs(store.sqlite_file)
    except WorkbenchError as error:
        _log.warning("%s Artifacts of deleted runs are left where they are.", error)
        return
    for folder in sorted(store.artifacts.glob("*/*/artifacts")):
        if folder.parent.name not in stored_runs and _is_old(folder):
            yield Pruned(folder.parent, "artifacts of a deleted run", size_on_disk(folder))


def _unfinished(settings: Settings) -> Iterator[Pruned]:
    """Working folders of runs and stores whose process was killed."""
    places = [(Path(tempfile.gettempdir()), ".workbench-*"), (settings.runs / "spool", ".workbench-*")]
    for root, pattern in [*places, (settings.runs, ".mlflow.db-*")]:
        for path in sorted(root.glob(pattern)):
            if _is_old(path) and path.stat().st_uid == os.getuid():  # Other users share the temporary folder.
                yield Pruned(path, "left by a killed process", size_on_disk(path))


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _is_old(path: Path) -> bool:
    """Whether a file is too old to belong to a live process, on this host or another: those take seconds."""
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > _STALE_SECONDS
    return False
