"""Pseudonyms for ids, groups and names of files, made with a key that stays on the machine."""

import contextlib
import os
import re
import secrets
import uuid
from collections.abc import Collection
from hashlib import blake2b
from pathlib import Path
from typing import Self

from workbench.errors import WorkbenchError

_KEY_BYTES = 32
_DIGITS = 16
_PSEUDONYM = re.compile(rf"id-[0-9a-f]{{{_DIGITS}}}")
_SHORT = 5
_SHORTEST_NUMBER = 4
_FOLDER, _FILE = "pseudonyms", "key"


class Pseudonyms:
    """Gives a name the same pseudonym wherever it occurs: BLAKE2b of it, keyed.

    Who lacks the key can neither tell the name nor try out likely ones. Who has it can do the latter.

    Args:
        key: 32 secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_machine(cls, cache: Path) -> Self:
        """Those whose key lies in a cache folder, `pseudonyms/key`; it is made where there is none.

        Raises:
            WorkbenchError: It can be neither read nor made, or is damaged.
        """
        path = cache / _FOLDER / _FILE
        try:
            key = _read(path) or _make(path)
        except OSError as error:
            raise WorkbenchError(
                f"{path}: the key of pseudonyms cannot be kept ({error.strerror or error}); --hash-ids needs a cache "
                "that may be written."
            ) from error
        if len(key) != _KEY_BYTES:
            raise WorkbenchError(
                f"{path}: the key of pseudonyms is damaged; put a copy of it back, or delete it for another one, whose "
                "runs cannot be compared with earlier ones."
            )
        return cls(key)

    @classmethod
    def of_key(cls, cache: Path, key_name: str) -> Self:
        """Those of a cache folder, if its key is the one of that name; none is made.

        Raises:
            WorkbenchError: It is not.
        """
        path = cache / _FOLDER / _FILE
        try:
            key = _read(path)
        except OSError:
            key = None
        found = cls(key) if key else None
        if found is None or found.key_name != key_name:
            raise WorkbenchError(
                f"the pseudonyms of this run were made with key {key_name}, which {path} does not hold; copy that file "
                "from the machine where the run was made."
            )
        return found

    @property
    def key_name(self) -> str:
        """Tells keys apart, and not what they are: 8 hexadecimal digits."""
        return blake2b(b"", key=self._key, digest_size=4).hexdigest()

    def of(self, name: str) -> str:
        """The pseudonym of a name, `id-` and 16 hexadecimal digits."""
        return f"id-{self._digest(name)[:_DIGITS]}"

    def replaced(self, text: str, names: Collection[str]) -> str:
        """A text with every name in it replaced by its pseudonym, longer names first.

        Names of up to four characters are replaced where they stand alone, and numbers of up to three digits not at
        all: sentences are full of them.

        Args:
            text: Of any length.
            names: A million of them take a second.
        """
        beginnings = {text[i : i + length] for length in (1, 2, 3) for i in range(len(text))}
        found = {form: name for name in names if name[:3] in beginnings for form in _forms(name) if form in text}
        if not found:
            return text
        longest_first = sorted(found, key=len, reverse=True)
        parts = [re.escape(n) if len(n) >= _SHORT else rf"(?<!\w){re.escape(n)}(?!\w)" for n in longest_first]
        return re.sub("|".join(parts), lambda match: self.of(found[match.group()]), text)

    def _digest(self, name: str) -> str:
        return blake2b(name.encode(errors="surrogateescape"), key=self._key, digest_size=16).hexdigest()


def is_pseudonym(name: str) -> bool:
    """Whether a name looks like one that `Pseudonyms.of` made."""
    return _PSEUDONYM.fullmatch(name) is not None


def _forms(name: str) -> set[str]:
    """A name as texts may hold it: as it is, and within quotation marks of Python."""
    if not name.strip() or (name.isdecimal() and len(name) < _SHORTEST_NUMBER):
        return set()
    return {name, repr(name)[1:-1]}


def _read(path: Path) -> bytes | None:
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except ValueError:
        return b"damaged"


def _make(path: Path) -> bytes:
    """A new key, or that of a process that made one at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        temporary.write_text(secrets.token_hex(_KEY_BYTES), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        key = _read(path)
    finally:
        temporary.unlink(missing_ok=True)
    return key or b""
