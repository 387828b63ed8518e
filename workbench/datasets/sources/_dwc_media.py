"""Photos that a download names, as the files that they were saved to."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_SEPARATORS = re.compile(r"[_\-. ]")
_PHOTO = re.compile(r"/photos/(\d+)/")
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_QUERY = re.compile(r"[?#].*", re.DOTALL)


@dataclass(frozen=True)
class Photo:
    """A photo that a table names.

    Attributes:
        core: Id of the row of the core that it belongs to.
        address: Its address or file, or empty.
        ids: Its own ids.
    """

    core: str
    address: str
    ids: tuple[str, ...]


class LocalImages:
    """Images of a folder, found by what downloaders call them.

    Args:
        files: Names relative to the folder, with forward slashes.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._paths = {file.casefold(): file for file in files}
        self._names: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        self._beginnings: dict[str, list[str]] = {}
        self._addresses: Counter[str] = Counter()
        for file in files:
            folder, _, name = file.casefold().rpartition("/")
            stem = name.rpartition(".")[0] or name
            self._names.setdefault(name, []).append(file)
            self._stems.setdefault(stem, []).append(file)
            for match in _SEPARATORS.finditer(stem):
                self._beginnings.setdefault(stem[: match.start()], []).append(file)
            if inner := folder.rpartition("/")[2]:
                self._beginnings.setdefault(inner, []).append(file)

    def count_names(self, photos: Iterable[Photo]) -> None:
        """Note which file names several addresses end in (`original.jpg`), which then say nothing."""
        self._addresses.update(name for photo in photos if (name := _last(photo.address)) in self._names)

    def of_photo(self, photo: Photo) -> str | None:
        """The file of a photo.

        It is the end of its address with folders; its last part, where that is the name of one address alone; its id,
        or the number that iNaturalist's addresses have for a folder; or the SHA-1 of its address, as of gbif-dl.
        """
        parts = [part for part in _path(photo.address).split("/") if part not in {"", "."}]
        for start in range(len(parts) - 1):
            if (file := self._paths.get("/".join(parts[start:]))) is not None:
                return file
        name = _last(photo.address)
        if self._addresses[name] == 1 and len(self._names[name]) == 1:
            return self._names[name][0]
        number = _PHOTO.search(photo.address)
        digest = hashlib.sha1(photo.address.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
        for own in (*photo.ids, number[1] if number else "", digest if photo.address else ""):
            found = self._stems.get(own.casefold(), []) if own else []
            if len(found) == 1:
                return found[0]
        return None

    def of_id(self, own: str) -> list[str]:
        """Files named by the id of an observation: `ID.jpg`, `ID_1.jpg`, `ID-oak.jpg`, or in a folder `ID`."""
        key = own.casefold()
        return [*self._stems.get(key, ()), *self._beginnings.get(key, ())]


def _path(address: str) -> str:
    """The path of an address, or a path as it is, in lower case."""
    host = _HOST.match(address)
    path = _QUERY.sub("", address[host.end() :]) if host else address
    return unquote(path).replace("\\", "/").casefold()


def _last(address: str) -> str:
    return _path(address).rstrip("/").rpartition("/")[2]
