"""Objects that a card's patterns name, and the state they are in."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.addresses import ObjectStore
from workbench.datasets.sources._locate import expand_braces

# What object stores call that which changes with a content, the surest first.
_VERSIONS = ("ETag", "etag", "blob_id", "md5Hash", "generation", "LastModified", "updated", "mtime", "created")


def find_objects(store: ObjectStore, patterns: Sequence[str]) -> list[dict[str, Mapping[str, Any]]]:
    """For each pattern the objects that it names, in order, with what the store says about them, as of now.

    Args:
        store: The store.
        patterns: Addresses, with `*`, `?` and `{000..007}` as in a shell.

    Raises:
        DataError: A pattern names nothing, or the store cannot be asked.
    """
    parts = [(i, part) for i, pattern in enumerate(patterns) for part in expand_braces(pattern)]
    found: list[dict[str, Mapping[str, Any]]] = [{} for _ in patterns]
    for (i, _), objects in zip(parts, store.find([part for _, part in parts]), strict=True):
        found[i].update(objects)
    return found


def stamp_of(about: Mapping[str, Any] | None) -> tuple[int, int]:
    """(size, a negative number that changes with the content); (-1, -1) of no object.

    Negative, so that nobody takes it for a time.
    """
    if about is None:
        return (-1, -1)
    version = next((f"{key}={about[key]}" for key in _VERSIONS if about.get(key)), "")
    digest = hashlib.blake2b(version.encode(), digest_size=8).digest()
    return int(about.get("size") or 0), -2 - (int.from_bytes(digest, "little") >> 2)


def common_address(addresses: Iterable[str]) -> str:
    """The deepest folder above all addresses, without a slash at its end."""
    first, *others = [address.split("/")[:-1] for address in addresses]
    depth = len(first)
    for other in others:
        while first[:depth] != other[:depth]:
            depth -= 1
    return "/".join(first[:depth])
