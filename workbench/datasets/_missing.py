"""Why a file that a table names is not there: which part of its path differs from what lies on the disk."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:/")


def why_missing(root: Path, name: str) -> str | None:
    """What is wrong with a file's name, in words that follow it; None where nothing alike lies there.

    Args:
        root: The folder that the name starts from.
        name: The name that a table has, with forward slashes; there is no such file.
    """
    if _URL.match(name):
        return "is an address; download the images, and name files"
    if _DRIVE.match(name):
        return "is a path of a Windows drive; write paths that start from the folder of the table"
    if name.startswith("/"):
        return "is an absolute path of another machine; write paths that start from the folder of the table"
    *folders, file = name.split("/")
    place = root
    for i, folder in enumerate(folders):
        if not (place / folder).is_dir():
            found = _alike(folder, _names(place))
            if found is None:
                flat = root / file
                where = "/".join(folders[: i + 1])
                return f"there is no folder {where!r}" + (f", but {file!r} lies in {root}" if flat.is_file() else "")
            return f"{found[1]}: the folder is {found[0]!r}"
        place /= folder
    found = _alike(file, _names(place))
    if found is not None:
        return f"{found[1]}: there is {found[0]!r}"
    stem = file.rpartition(".")[0] or file
    same_stem = [other for other in _names(place) if other.rpartition(".")[0] in {stem, file}]
    if same_stem:
        differs = "the extension differs" if "." in file else "the extension is missing"
        return f"{differs}: there is {sorted(same_stem)[0]!r}"
    return None


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _alike(name: str, others: Iterable[str]) -> tuple[str, str] | None:
    """A name that differs in its Unicode form, case or spaces alone, and in what it differs."""
    form, plain = unicodedata.normalize("NFC", name), _plain(name)
    for other in sorted(others):
        if unicodedata.normalize("NFC", other) == form:
            return other, "the Unicode form differs (composed and decomposed letters)"
        if unicodedata.normalize("NFC", other).casefold() == form.casefold():
            return other, "capital letters differ"
        if _plain(other) == plain:
            return other, "spaces differ"
    return None


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFC", name).casefold().split())
