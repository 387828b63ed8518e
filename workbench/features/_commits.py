"""Commits of a feature store in an object store: small objects that say which shards there are and what they hold."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.features._shard import KEY_BYTES, CorruptShardError
from workbench.texts import shown

_FORMAT = "workbench-commit-1"
_NAME = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class ListedShard:
    """A shard as a commit lists it.

    Attributes:
        name: Of its object, which is the checksum of its bytes.
        size: Number of bytes.
        keys: uint8 (n, 32).
        readable: bool (n,).
    """

    name: str
    size: int
    keys: AnyArray
    readable: BoolArray

    def without_keys(self) -> "ListedShard":
        """The same shard, where an index has its keys."""
        return ListedShard(self.name, self.size, np.empty((0, KEY_BYTES), np.uint8), np.empty(0, np.bool_))


def pack_commit(shards: Sequence[ListedShard]) -> bytes:
    """The content of a commit."""
    from safetensors.numpy import save

    about = [{"name": shard.name, "size": shard.size, "rows": len(shard.keys)} for shard in shards]
    tensors = {
        "keys": np.concatenate([shard.keys for shard in shards]).astype(np.uint8),
        "readable": np.concatenate([shard.readable for shard in shards]).astype(np.uint8),
    }
    content: bytes = save(tensors, metadata={"workbench": json.dumps({"format": _FORMAT, "shards": about})})
    return content


def unpack_commit(content: bytes) -> list[ListedShard]:
    """The shards of a commit.

    Raises:
        CorruptShardError: Another version of the workbench wrote it, or something else.
    """
    from safetensors import SafetensorError

    try:
        return _unpacked(content)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, SafetensorError) as error:
        raise CorruptShardError(f"is no commit ({shown(str(error), 80)})") from error


def is_commit_name(name: str) -> bool:
    """Whether an object's name is one that writers give, and no path that leads elsewhere."""
    return _NAME.fullmatch(name) is not None


def _unpacked(content: bytes) -> list[ListedShard]:
    from safetensors.numpy import load

    head = 8 + int.from_bytes(content[:8], "little")
    about = json.loads(json.loads(content[8:head])["__metadata__"]["workbench"])
    if about["format"] != _FORMAT:
        raise CorruptShardError(f"of another version of the workbench ({about['format']})")
    tensors = load(content)
    ends = np.cumsum([shard["rows"] for shard in about["shards"]])
    return [
        ListedShard(shard["name"], shard["size"], keys, readable.astype(np.bool_))
        for shard, keys, readable in zip(
            about["shards"],
            np.split(tensors["keys"].reshape(-1, KEY_BYTES), ends[:-1]),
            np.split(tensors["readable"], ends[:-1]),
            strict=True,
        )
    ]
