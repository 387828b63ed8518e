"""List and prune the content of the feature store."""

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workbench.features._files import CacheError, stale_temporaries
from workbench.features._shard import SUFFIX, CorruptShardError, open_shard
from workbench.features.store import IMAGES, MODEL_FILE, TEXTS, features_folder
from workbench.files import CORRUPT

_PRUNED = ".pruned-"
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class ModelUsage:
    """The stored features of one model fingerprint.

    Attributes:
        fingerprint: Identifies weights, preprocessing and precision.
        model: The model argument.
        precision: `fp32`, `bf16` or `fp16`.
        images: Rows of images, over all views, tombstones included.
        texts: Rows of texts.
        bytes: On disk.
        last_used: UTC.
        folder: Their folder.
    """

    fingerprint: str
    model: str
    precision: str
    images: int
    texts: int
    bytes: int
    last_used: datetime
    folder: Path


@dataclass(frozen=True)
class Pruned:
    """Something that was removed, or would be.

    Attributes:
        path: A folder or file.
        what: In words.
        bytes: On disk.
    """

    path: Path
    what: str
    bytes: int


def cache_usage(cache: Path) -> list[ModelUsage]:
    """The content of the feature store, most recently used first.

    Args:
        cache: The workbench's cache folder; it need not exist.
    """
    usages = [_usage(folder) for folder in _folders(features_folder(cache)) if not folder.name.startswith(".")]
    return sorted(usages, key=lambda usage: usage.last_used, reverse=True)


def prune(
    cache: Path, *, model: str | None = None, older_than: timedelta | None = None, dry_run: bool = False
) -> list[Pruned]:
    """Remove features of models, and always what damage and killed processes left.

    Processes that are reading removed files go on unharmed; those that write start the folder anew.

    Args:
        cache: The workbench's cache folder.
        model: Model argument, or the first characters (six at least) of a fingerprint.
        older_than: Only what has not been used for so long. Without this and `model`, only leftovers go.
        dry_run: Remove nothing, and return what would be.

    Raises:
        CacheError: Something cannot be removed.
    """
    now = datetime.now(UTC)
    chosen = [
        usage
        for usage in cache_usage(cache)
        if (model is not None or older_than is not None)
        and (model is None or is_of_model(usage, model))
        and (older_than is None or now - usage.last_used >= older_than)
    ]
    gone = {usage.folder for usage in chosen}
    pruned = [Pruned(u.folder, f"{u.model} {u.precision}: {u.images} images, {u.texts} texts", u.bytes) for u in chosen]
    pruned += [
        leftover
        for leftover in feature_leftovers(features_folder(cache))
        if not gone.intersection(leftover.path.parents)
    ]
    if not dry_run:
        remove(pruned)
    return pruned


def remove(pruned: Iterable[Pruned]) -> None:
    """Remove the folders and files that `prune` or another chose; raises `CacheError` for those that cannot be."""
    errors = []
    for item in pruned:
        try:
            _remove(item.path)
        except CacheError as error:
            errors.append(str(error))
    if errors:
        raise CacheError(" ".join(errors[:3]) + (f" And {len(errors) - 3} more." if len(errors) > 3 else ""))


def damaged_shards(root: Path) -> Iterator[Path]:
    """Shards below the store's folder that differ from what was committed; reads all of them."""
    for path in sorted(root.glob(f"*/*/*{SUFFIX}")):
        try:
            open_shard(path, ()).verify()
        except CorruptShardError:
            yield path
        except (CacheError, FileNotFoundError):
            continue  # Of another version, or pruned meanwhile.


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _usage(folder: Path) -> ModelUsage:
    try:
        about = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        used = (folder / MODEL_FILE).stat().st_mtime
    except (OSError, ValueError):
        about, used = {}, folder.stat().st_mtime
    return ModelUsage(
        fingerprint=folder.name,
        model=str(about.get("model", _UNKNOWN)),
        precision=str(about.get("precision", _UNKNOWN)),
        images=sum(_rows(path) for path in folder.glob(f"{IMAGES}*/*{SUFFIX}")),
        texts=sum(_rows(path) for path in folder.glob(f"{TEXTS}/*{SUFFIX}")),
        bytes=size_on_disk(folder),
        last_used=datetime.fromtimestamp(used, UTC),
        folder=folder,
    )


def is_of_model(usage: ModelUsage, model: str) -> bool:
    """Whether they are those of a model argument, or of a fingerprint's first characters (six at least)."""
    return usage.model == model or (len(model) >= 6 and usage.fingerprint.startswith(model))


def _rows(path: Path) -> int:
    try:
        return len(open_shard(path, ()).keys)
    except (CorruptShardError, CacheError, OSError):
        return 0


def feature_leftovers(root: Path) -> Iterator[Pruned]:
    """Files below the store's folder that damage and killed processes left behind."""
    for folder in _folders(root):
        if _PRUNED in folder.name:
            yield Pruned(folder, "left by an interrupted prune", size_on_disk(folder))
            continue
        for inner in (folder, *_folders(folder)):
            for path in inner.glob(f"*{CORRUPT}"):
                yield Pruned(path, "damaged shard, computed again since", size_on_disk(path))
            for path in stale_temporaries(inner):
                yield Pruned(path, "left by a killed process", size_on_disk(path))


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    total = 0
    for file in path.rglob("*") if path.is_dir() else (path,):
        with contextlib.suppress(OSError):  # Another process may just have removed it.
            total += file.stat().st_size if file.is_file() else 0
    return total


def _remove(path: Path) -> None:
    """A folder goes in one rename, so that no process ever meets it half-emptied."""
    try:
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        aside = path if _PRUNED in path.name else path.with_name(f".{path.name}{_PRUNED}{uuid.uuid4().hex[:8]}")
        path.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise CacheError(f"{path}: cannot be removed ({error.strerror or error}).") from error
