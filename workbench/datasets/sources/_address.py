"""Addresses of data in object stores: which there are, what lies there, and in which state, through fsspec."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from workbench.datasets.sources._locate import expand_braces
from workbench.errors import DataError
from workbench.masking import masked

T = TypeVar("T")

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<authority>[^/]*)")
_MAGIC = re.compile(r"[*?\[]")
_THREADS = 16
# Of the scheme: the package that reads it, and where credentials come from.
_SCHEMES = {
    "s3": ("s3fs", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
    "gs": ("gcsfs", "log in by `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"),
    "hf": ("huggingface_hub", "log in by `hf auth login`, or set HF_TOKEN"),
    "memory": ("fsspec", ""),  # Of this process.
}
# What object stores call that which changes with a content, the surest first.
_VERSIONS = ("ETag", "etag", "blob_id", "md5Hash", "generation", "LastModified", "updated", "mtime", "created")


def is_address(path: str) -> bool:
    """Whether a path of a card is an address (`s3://bucket/a.tar`), not a path on this machine."""
    return _ADDRESS.match(path) is not None


class ObjectStore:
    """The object store that addresses of one scheme lie in; safe to use from several threads.

    Args:
        address: One of the addresses.

    Raises:
        DataError: The scheme is not known, its package is not installed, or the address holds a password.
    """

    def __init__(self, address: str) -> None:
        found = _ADDRESS.match(address)
        assert found is not None
        self.scheme = found["scheme"]
        if self.scheme not in _SCHEMES:
            known = ", ".join(f"{scheme}://" for scheme in _SCHEMES if scheme != "memory")
            raise DataError(f"{masked(address)}: addresses of {self.scheme}:// are not read; there are: {known}.")
        if ":" in found["authority"].rpartition("@")[0]:
            raise DataError(
                f"{masked(address)}: holds a password, which would be recorded with every run; take it out of the "
                f"card, and {_SCHEMES[self.scheme][1] or 'give none'}."
            )
        try:
            import fsspec

            self._system: Any = fsspec.filesystem(self.scheme)
        except ImportError as error:
            raise DataError(
                f"{address}: to read it, install {_SCHEMES[self.scheme][0]} (pip install 'clip-workbench[remote]')."
            ) from error
        except Exception as error:  # Clients look for credentials as they are made.
            raise DataError(self._sentence(address, error)) from error

    def find(self, patterns: Sequence[str]) -> list[dict[str, Mapping[str, Any]]]:
        """For each pattern the objects that it names, sorted, with what the store says about them, as of now.

        Args:
            patterns: Addresses, with `*`, `?` and `{000..007}` as in a shell.

        Raises:
            DataError: A pattern names nothing, or the store cannot be asked.
        """
        self._system.invalidate_cache()
        parts = [(i, part) for i, pattern in enumerate(patterns) for part in expand_braces(pattern)]
        with ThreadPoolExecutor(_THREADS) as pool:
            all_found = list(pool.map(self._find, (part for _, part in parts)))
        found: list[dict[str, Mapping[str, Any]]] = [{} for _ in patterns]
        for (i, _), objects in zip(parts, all_found, strict=True):
            found[i].update(objects)
        return found

    def _find(self, address: str) -> dict[str, Mapping[str, Any]]:
        if not _MAGIC.search(address):
            about = self._asked(address, lambda: self._system.info(address))
            if about.get("type") == "directory":
                raise DataError(f"{address}: is a folder; name its files, such as {address.rstrip('/')}/*.")
            return {self._system.unstrip_protocol(about["name"]): about}
        objects = self._asked(address, lambda: self._system.glob(address, detail=True))
        files = {name: about for name, about in objects.items() if about.get("type") != "directory"}
        if not files:
            raise DataError(f"{address}: no object has such a name; check the pattern.")
        return {self._system.unstrip_protocol(name): files[name] for name in sorted(files)}

    def about(self, address: str) -> Mapping[str, Any] | None:
        """What the store says about an object; None where there is none."""
        try:
            about: Mapping[str, Any] = self._system.info(address)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise DataError(self._sentence(address, error)) from error
        return about

    def read(self, address: str, start: int | None = None, end: int | None = None) -> bytes:
        """An object, or its bytes from `start` to `end`, as far as there are any.

        Raises:
            DataError: It cannot be read.
        """
        if start is not None and end is not None and start >= end:
            return b""
        data: bytes = self._asked(address, lambda: self._system.cat_file(address, start=start, end=end))
        return data

    def _asked(self, address: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Exception as error:  # Each client has errors of its own; each is the user's to see as one sentence.
            raise DataError(self._sentence(address, error)) from error

    def _sentence(self, address: str, error: Exception) -> str:
        names = {kind.__name__ for kind in type(error).__mro__}
        reason = masked(next(iter(str(error).splitlines()), "")).rstrip(".")
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        credentials = _SCHEMES[self.scheme][1]
        if isinstance(error, FileNotFoundError):
            return f"{address}: does not exist; check the address in the card."
        if isinstance(error, PermissionError) or any("Credential" in name or "Auth" in name for name in names):
            return f"{address}: is not open to you ({said}); {credentials}."
        if isinstance(error, TimeoutError | ConnectionError) or any("Connect" in name for name in names):
            return f"{address}: the store cannot be reached ({said}); check the network and the store's endpoint."
        return f"{address}: cannot be read ({said})."


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
