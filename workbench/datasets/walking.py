"""The files below a folder: images, files of other types, and what systems leave behind. All walk folders by it."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.datasets.formats.nifti import is_nifti_name
from workbench.datasets.images import IMAGE_SUFFIXES, is_image_file
from workbench.datasets.noted_names import note_names
from workbench.formatting import counted

_LEFTOVERS = frozenset(
    {"thumbs.db", "desktop.ini", "@eadir", "__macosx", "#recycle", "$recycle.bin", "lost+found"}
    | {"system volume information", "icon\r"}
)
"""Files and folders that operating systems and file servers make; their thumbnails are images, too."""


@dataclass(frozen=True)
class FolderListing:
    """Names relative to the folder, with forward slashes, sorted.

    Attributes:
        images: Files whose suffix is one of `IMAGE_SUFFIXES`, and DICOM files without one.
        others: Files of other types.
    """

    images: tuple[str, ...]
    others: tuple[str, ...]


def list_folder(folder: Path) -> FolderListing:
    """Everything below a folder but hidden files and what systems leave behind.

    Links to folders are followed, but not back to a folder above.
    """
    # A link back to a folder above would put all other classes into this one.
    above = {(stat.st_dev, stat.st_ino) for stat in map(Path.stat, (folder, *folder.parents))}
    images: list[str] = []
    others: list[str] = []
    for name, _, _ in scan(folder, seen=above):
        (images if is_image_file(folder, name) else others).append(name)
    return FolderListing(tuple(sorted(images)), tuple(sorted(others)))


def is_image_name(name: str) -> bool:
    """Whether a file is an image by its suffix."""
    return suffix_of(name) in IMAGE_SUFFIXES or is_nifti_name(name)


def suffix_of(name: str) -> str:
    """The suffix in lower case, with its dot."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - called for every file; a Path costs much more


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or left behind by an operating system or a file server."""
    return name.startswith(".") or name.lower() in _LEFTOVERS


def sub_folders(folder: Path) -> list[Path]:
    """Visible sub-folders, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))


def scan(folder: Path, prefix: str = "", seen: set[tuple[int, int]] | None = None) -> Iterator[tuple[str, int, int]]:
    """(relative name, size, mtime_ns) of every file below that is not hidden.

    A folder that links lead to again is not read again: links may go round, and few of them make endless many ways.
    """
    stat = os.stat(folder)  # noqa: PTH116 - as all of this, for speed
    seen = {(stat.st_dev, stat.st_ino)} if seen is None else seen
    with os.scandir(folder) as entries:
        # Folders before links to folders, so that it does not depend on the order of the listing which name is taken.
        for entry in sorted(entries, key=lambda item: (item.is_symlink(), item.name)):
            if is_hidden(entry.name):
                continue
            if _leads_to_folder(entry):
                target = os.stat(entry.path)  # noqa: PTH116
                if (target.st_dev, target.st_ino) not in seen:
                    seen.add((target.st_dev, target.st_ino))
                    yield from scan(Path(entry.path), f"{prefix}{entry.name}/", seen)
            else:
                try:
                    stat = entry.stat()
                except OSError:  # A dangling link.
                    continue
                yield f"{prefix}{entry.name}", stat.st_size, stat.st_mtime_ns


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that leads to itself.
        return False


def unread_types(names: Sequence[str]) -> list[str]:
    """A sentence that counts files of types that are not read, by suffix; none where there is no such file.

    Cards (`.toml`), which often lie beside the images that they describe, are not counted.
    """
    names = [name for name in names if suffix_of(name) != ".toml"]
    if not names:
        return []
    suffixes = Counter(filter(None, map(suffix_of, names)))
    listed = [f"{count} {suffix}" for suffix, count in suffixes.most_common(8)]
    if len(suffixes) > 8:
        listed.append(f"{counted(len(suffixes) - 8, 'further type')}")
    if bare := sorted(name for name in names if not suffix_of(name)):
        listed.append(f"{len(bare)} without suffix ({some(bare)})")
    return [f"{counted(len(names), 'file')} of types that are not read: {', '.join(listed)}."]


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are, for a note."""
    note_names(names[:most])
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
