"""Send features to a store in an object store, list what it has, and keep it tidy."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.features._commits import ListedShard, is_commit_name
from workbench.features._files import CacheError
from workbench.features._remote import COMMITS, RemoteStore
from workbench.features._shard import SUFFIX, CorruptShardError, Shard, open_shard
from workbench.features.store import IMAGES, MODEL_FILE, TEXTS
from workbench.features.usage import cache_usage, is_of_model

_SHARDS_AT_ONCE = 64
_ROWS_OF_COMMIT = 2**19
_ABANDONED = timedelta(days=1)
_TIMES = ("LastModified", "updated", "mtime", "created")


@dataclass(frozen=True)
class Sent:
    """A table of which shards were sent, or would be.

    Attributes:
        address: Where to.
        shards: Number of shards.
        rows: Of images or texts.
        bytes: Their size.
    """

    address: str
    shards: int
    rows: int
    bytes: int


@dataclass(frozen=True)
class Tidied:
    """A table whose commits were put together, or would be.

    Attributes:
        address: The table.
        commits: Number of commits that there were,
        left: and are now.
        abandoned: Shards that no commit lists, of writers that were interrupted.
        lost: Addresses of shards that a commit lists, and that are not there.
    """

    address: str
    commits: int
    left: int
    abandoned: int
    lost: tuple[str, ...]


def publish(cache: Path, remote: RemoteStore, *, model: str | None = None, dry_run: bool = False) -> list[Sent]:
    """Send the shards of the cache that a store lacks; thumbnails stay.

    Args:
        cache: The workbench's cache folder.
        remote: The store.
        model: Model argument, or the first characters (six at least) of a fingerprint; all models if None.
        dry_run: Send nothing, and return what would be.

    Raises:
        CacheError: The store cannot be written.
    """
    sent = []
    for usage in cache_usage(cache):
        if (model is not None and not is_of_model(usage, model)) or not (usage.folder / MODEL_FILE).is_file():
            continue
        about = (usage.folder / MODEL_FILE).read_bytes()
        for folder in sorted(usage.folder.iterdir()):
            if folder.name == f"{IMAGES}grey" or not folder.name.startswith((IMAGES, TEXTS)):
                continue
            table = remote.table(usage.fingerprint, folder.name, about)
            table.refresh(now=True)
            shards = list(_whole_shards(folder, table.names))
            for start in range(0, 0 if dry_run else len(shards), _SHARDS_AT_ONCE):
                table.add(shards[start : start + _SHARDS_AT_ONCE])
            rows, size = sum(len(shard.keys) for shard in shards), sum(shard.size for shard in shards)
            sent += [Sent(table.address, len(shards), rows, size)] if shards else []
    return sent


def _whole_shards(folder: Path, known: set[str]) -> Iterator[Shard]:
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.name in known:
            continue
        try:
            shard = open_shard(path, ())
            shard.verify()
        except (CorruptShardError, CacheError, FileNotFoundError):
            continue  # Readers of the cache move it aside.
        yield shard


def compact(remote: RemoteStore, *, dry_run: bool = False) -> list[Tidied]:
    """Put the commits of each table together, and delete shards that no commit lists and that are a day old.

    Others may read and write meanwhile: what they see is never less than what was committed, since the commit that
    takes the place of others is written before those are deleted, and only those go that were read.

    Args:
        remote: The store.
        dry_run: Change nothing, and return what would be.

    Raises:
        CacheError: The store cannot be read or written.
    """
    objects = remote.objects.below(remote.address)
    names: dict[str, dict[str, Any]] = {}
    for path, about in objects.items():
        fingerprint, _, rest = path.partition("/")
        table, _, name = rest.partition("/")
        if name:
            names.setdefault(f"{fingerprint}/{table}", {})[name] = about
    return [_tidied(remote, path, found, dry_run) for path, found in sorted(names.items())]


def _tidied(remote: RemoteStore, path: str, found: dict[str, Any], dry_run: bool) -> Tidied:
    fingerprint, _, name = path.partition("/")
    table = remote.table(fingerprint, name, b"")
    read = {name: shards for name, shards in table.read_commits(_commits_of(found)).items() if shards}
    listed = {shard.name: shard for shards in read.values() for shard in shards or ()}
    there = {name: shard for name, shard in listed.items() if name in found}
    parts = list(_parts([there[name] for name in sorted(there)]))
    old = [n for n in found if n.endswith(SUFFIX) and n not in listed and _is_abandoned(found[n])]
    lost = tuple(f"{table.address}/{name}" for name in sorted(listed.keys() - there.keys()))
    shrinks = len(parts) < len(read) or bool(lost)
    if shrinks and not dry_run:
        for part in parts:
            table.commit(part)
        for name in read:
            remote.objects.remove(f"{table.address}/{COMMITS}/{name}")
    if old and not dry_run:
        # Somebody may have sent one of them again since.
        now = remote.objects.below(table.address)
        again = {s.name for shards in table.read_commits(_commits_of(now)).values() for s in shards or ()}
        for name in old:
            if name in now and name not in again and _is_abandoned(now[name]):
                remote.objects.remove(f"{table.address}/{name}")
    return Tidied(table.address, len(read), len(parts) if shrinks else len(read), len(old), lost)


def _commits_of(names: dict[str, Any]) -> list[str]:
    commits = (name.removeprefix(f"{COMMITS}/") for name in names if name.startswith(f"{COMMITS}/"))
    return [name for name in commits if is_commit_name(name)]


def _parts(shards: list[ListedShard]) -> Iterator[list[ListedShard]]:
    part: list[ListedShard] = []
    rows = 0
    for shard in shards:
        if part and rows + len(shard.keys) > _ROWS_OF_COMMIT:
            yield part
            part, rows = [], 0
        part.append(shard)
        rows += len(shard.keys)
    if part:
        yield part


def _is_abandoned(about: Any) -> bool:
    """Whether an object is a day old; one whose time the store does not say is not."""
    written = next((about[key] for key in _TIMES if about.get(key)), None)
    if isinstance(written, str):
        written = datetime.fromisoformat(written)
    if not isinstance(written, datetime):
        return False
    return datetime.now(UTC) - (written if written.tzinfo else written.replace(tzinfo=UTC)) > _ABANDONED


@dataclass(frozen=True)
class RemoteUsage:
    """What a store has of one model.

    Attributes:
        fingerprint: Identifies weights, preprocessing and precision.
        model: What is written of the model.
        precision: `fp32`, `bf16` or `fp16`.
        shards: Number of shards, abandoned ones included.
        bytes: Their size.
        address: Where they are.
    """

    fingerprint: str
    model: str
    precision: str
    shards: int
    bytes: int
    address: str


def remote_usage(remote: RemoteStore) -> list[RemoteUsage]:
    """What a store has, by model, the largest first; reads no features.

    Raises:
        CacheError: The store cannot be read.
    """
    sizes: dict[str, list[int]] = {}
    for path, about in remote.objects.below(remote.address).items():
        if path.endswith(SUFFIX):
            sizes.setdefault(path.partition("/")[0], []).append(int(about.get("size") or 0))
    usages = []
    for fingerprint, shards in sizes.items():
        address = f"{remote.address}/{fingerprint}"
        try:
            about = json.loads(remote.objects.read_if_there(f"{address}/{MODEL_FILE}") or b"{}")
        except ValueError:
            about = {}
        model, precision = str(about.get("model", "unknown")), str(about.get("precision", "unknown"))
        usages.append(RemoteUsage(fingerprint, model, precision, len(shards), sum(shards), address))
    return sorted(usages, key=lambda usage: usage.bytes, reverse=True)
