"""Addresses in object stores: which there are, what lies there, and how it is read and written, through fsspec."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from workbench.errors import DataError, WorkbenchError
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
_READ_ONLY = ("hf",)


def is_address(path: str) -> bool:
    """Whether a path is an address (`s3://bucket/a.tar`), not a path on this machine."""
    return _ADDRESS.match(path) is not None


class ObjectStore:
    """The object store that addresses of one scheme lie in; safe to use from several threads.

    Args:
        address: One of the addresses.
        named_in: What names them, in messages.
        kind: The class of its errors.

    Raises:
        WorkbenchError: The scheme is not known, its package is not installed, or the address holds a password.
    """

    def __init__(self, address: str, named_in: str = "the card", kind: type[WorkbenchError] = DataError) -> None:
        self._named_in = named_in
        self._error = kind
        found = _ADDRESS.match(address)
        assert found is not None
        self.scheme = found["scheme"]
        if self.scheme not in _SCHEMES:
            known = ", ".join(f"{scheme}://" for scheme in _SCHEMES if scheme != "memory")
            raise self._error(f"{masked(address)}: addresses of {self.scheme}:// are not read; there are: {known}.")
        if ":" in found["authority"].rpartition("@")[0]:
            raise self._error(
                f"{masked(address)}: holds a password, which would be recorded with every run; take it out of "
                f"{named_in}, and {_SCHEMES[self.scheme][1] or 'give none'}."
            )
        try:
            self._own: tuple[int, Any] = self._made()
        except ImportError as error:
            raise self._error(
                f"{address}: to read it, install {_SCHEMES[self.scheme][0]} (pip install 'clip-workbench[remote]')."
            ) from error
        except Exception as error:  # Clients look for credentials as they are made.
            raise self._error(self._sentence(address, error)) from error

    def _made(self) -> tuple[int, Any]:
        import fsspec

        return os.getpid(), fsspec.filesystem(self.scheme)

    @property
    def _system(self) -> Any:
        """The client of this process: one that was made before a fork does not work after it."""
        if self._own[0] != os.getpid():
            self._own = self._made()
        return self._own[1]

    def find(self, patterns: Sequence[str]) -> list[dict[str, Mapping[str, Any]]]:
        """For each pattern the objects that it names, sorted, with what the store says about them, as of now.

        Args:
            patterns: Addresses, with `*` and `?` as in a shell.

        Raises:
            WorkbenchError: A pattern names nothing, or the store cannot be asked.
        """
        self._system.invalidate_cache()
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(self._find, patterns))

    def below(self, folder: str) -> dict[str, Mapping[str, Any]]:
        """All objects below a folder, as of now; none where there is no such folder.

        Returns:
            What the store says about each, by its path below the folder.

        Raises:
            WorkbenchError: The store cannot be asked.
        """
        self._system.invalidate_cache()
        found = self._asked(folder, lambda: self._system.find(folder, detail=True))
        start = folder.rstrip("/") + "/"
        named = ((self._system.unstrip_protocol(name), about) for name, about in found.items())
        return {address.removeprefix(start): about for address, about in named if address.startswith(start)}

    def _find(self, address: str) -> dict[str, Mapping[str, Any]]:
        if not _MAGIC.search(address):
            about = self._asked(address, lambda: self._system.info(address))
            if about.get("type") == "directory":
                raise self._error(f"{address}: is a folder; name its files, such as {address.rstrip('/')}/*.")
            return {self._system.unstrip_protocol(about["name"]): about}
        objects = self._asked(address, lambda: self._system.glob(address, detail=True))
        files = {name: about for name, about in objects.items() if about.get("type") != "directory"}
        if not files:
            raise self._error(f"{address}: no object has such a name; check the pattern.")
        return {self._system.unstrip_protocol(name): files[name] for name in sorted(files)}

    def about(self, address: str) -> Mapping[str, Any] | None:
        """What the store says about an object; None where there is none."""
        try:
            about: Mapping[str, Any] = self._system.info(address)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._error(self._sentence(address, error)) from error
        return about

    def read(self, address: str, start: int | None = None, end: int | None = None) -> bytes:
        """An object, or its bytes from `start` to `end`, as far as there are any.

        Raises:
            WorkbenchError: It cannot be read.
        """
        if start is not None and end is not None and start >= end:
            return b""
        data: bytes = self._asked(address, lambda: self._system.cat_file(address, start=start, end=end))
        return data

    def read_if_there(self, address: str) -> bytes | None:
        """An object; None where there is none.

        Raises:
            WorkbenchError: It cannot be read.
        """
        try:
            data: bytes = self._system.cat_file(address)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._error(self._sentence(address, error)) from error
        return data

    def write(self, address: str, data: bytes) -> None:
        """Write an object, which others see whole or not at all.

        Raises:
            WorkbenchError: It cannot be written, or nothing of this scheme can.
        """
        if self.scheme in _READ_ONLY:
            raise self._error(f"{address}: addresses of {self.scheme}:// are read, and not written.")
        try:
            self._system.pipe_file(address, data)
        except Exception as error:
            raise self._error(self._sentence(address, error, "written")) from error

    def remove(self, address: str) -> None:
        """Delete an object; it may be gone already.

        Raises:
            WorkbenchError: It cannot be deleted.
        """
        try:
            self._system.rm_file(address)
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._error(self._sentence(address, error, "deleted")) from error

    def _asked(self, address: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Exception as error:  # Each client has errors of its own; each is the user's to see as one sentence.
            raise self._error(self._sentence(address, error)) from error

    def _sentence(self, address: str, error: Exception, done: str = "read") -> str:
        names = {kind.__name__ for kind in type(error).__mro__}
        reason = masked(next(iter(str(error).splitlines()), "")).rstrip(".")
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        credentials = _SCHEMES[self.scheme][1]
        if isinstance(error, FileNotFoundError):
            return f"{address}: does not exist; check the address in {self._named_in}."
        if isinstance(error, PermissionError) or any("Credential" in name or "Auth" in name for name in names):
            return f"{address}: is not open to you ({said}); {credentials}."
        if isinstance(error, TimeoutError | ConnectionError) or any("Connect" in name for name in names):
            return f"{address}: the store cannot be reached ({said}); check the network and the store's endpoint."
        return f"{address}: cannot be {done} ({said})."
