"""How a folder is laid out: metadata files, split folders, class folders, and what of it is not read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.datasets.card_tables import Splits
from workbench.datasets.roles import role_of
from workbench.datasets.walking import FolderListing, some, sub_folders, suffix_of, unread_types
from workbench.errors import DataError
from workbench.formatting import counted

METADATA_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
METADATA_NAMES = tuple(f"metadata{suffix}" for suffix in METADATA_SUFFIXES)
_TABLES = {*METADATA_SUFFIXES, ".json", ".parquet", ".xlsx", ".xls"}


def metadata_file(folder: Path) -> Path | None:
    """The metadata file of a folder, whose name may have capitals."""
    by_name = {path.name.lower(): path for path in sorted(folder.iterdir(), reverse=True)}
    found = (by_name.get(name) for name in METADATA_NAMES)
    return next((path for path in found if path is not None and path.is_file()), None)


def metadata_files(root: Path, splits: Splits | None = None) -> list[Path]:
    """The metadata file of a folder, or those of its split folders.

    Raises:
        DataError: Some split folders have one and others do not.
    """
    root_file = metadata_file(root)
    if root_file:
        return [root_file]
    folders = split_folders(root, splits)
    files = [path for path in map(metadata_file, folders) if path]
    if files and len(files) < len(folders):
        without = next(folder for folder in folders if metadata_file(folder) is None)
        raise DataError(f"{without}: has no {files[0].name}, although {files[0].parent.name} has one.")
    return files


def split_folders(root: Path, splits: Splits | None = None) -> list[Path]:
    """Sub-folders that are splits: a class, too, may be called train, but then it holds images and no folders."""
    named = [path for path in sub_folders(root) if role_of(path.name, splits)]
    return [path for path in named if metadata_file(path) or sub_folders(path)]


def holds_splits(listing: FolderListing, splits: Splits | None = None) -> bool:
    """Whether a class folder holds split folders and no image beside them: `red/train`, `red/test`.

    Args:
        listing: What lies in the class folder.
        splits: The card's names.
    """
    inner = {name.partition("/")[0] for name in listing.images if "/" in name}
    roles = {role_of(name, splits) for name in inner}
    return bool(inner) and None not in roles and len(roles) == len(inner) and not _direct(listing)


def refuse_two_levels(root: Path, classes: Mapping[Path, FolderListing]) -> None:
    """Refuse class folders that hold folders and no image: which of the two is the class is for a person to say.

    Args:
        root: The dataset's folder, for the message.
        classes: Class folders with what lies in them.

    Raises:
        DataError: There are such folders, and no class folder with images of its own.
    """
    filled = {folder: listing for folder, listing in classes.items() if listing.images}
    inner = {folder: sorted({name.partition("/")[0] for name in listing.images}) for folder, listing in filled.items()}
    if not filled or any(map(_direct, filled.values())) or max(map(len, inner.values())) < 2:
        return
    upper = max(inner, key=lambda folder: len(inner[folder]))
    lower = inner[upper][0]
    raise DataError(
        f"{root}: folders are two levels deep ({upper.name}/{lower}), and which is the class is not clear. "
        f'Write a card with [source] type = "folder", path = "{root}" and class_folder = "upper" (the class is '
        f"{upper.name!r}), "
        f'"lower" ({lower!r}) or "path" ({f"{upper.name} {lower}"!r}).'
    )


def _direct(listing: FolderListing) -> bool:
    return any("/" not in name for name in listing.images)


def unread_files(
    listing: FolderListing,
    read: set[str],
    tables: Sequence[str],
    tops: Sequence[str],
    root: Path,
    named: Sequence[str] = (),
) -> list[str]:
    """Sentences about what lies in a folder and is not read.

    Args:
        listing: What lies there.
        read: Images that are read.
        tables: Metadata files that are read, relative to the folder.
        tops: Names of the split folders; empty where there are none.
        root: The folder, for messages.
        named: Further files that the card names.

    Raises:
        DataError: There is a metadata file that would change labels or splits, and it is not read.
    """
    others = [name for name in listing.others if name not in tables and name not in named]
    stray = next((name for name in others if _is_metadata(name)), None)
    if stray is not None:
        where = f"{', '.join(tables)} is read instead" if tables else "a metadata file lies in the folder itself"
        raise DataError(
            f"{root / stray}: is not read; {where}, or in each of its split folders, and ends in "
            f"{', '.join(METADATA_SUFFIXES)}. Convert or move it, or take it out of the folder."
        )
    left = [name for name in listing.images if name not in read]
    notes = []
    if tables and left:
        which = tables[0] if len(tables) == 1 else "no metadata file"
        verb = "does not name" if len(tables) == 1 else "names"
        notes.append(f"Left out: {counted(len(left), 'image')} that {which} {verb} ({some(left)}).")
    elif left:
        loose = [name for name in left if name.count("/") == (1 if name.partition("/")[0] in tops else 0)]
        beside = sorted(set(left) - set(loose))
        if loose:
            notes.append(f"Left out: {counted(len(loose), 'image')} beside the class folders ({some(loose)}).")
        if beside:
            folders = sorted({name.partition("/")[0] for name in beside})
            notes.append(f"Left out: {counted(len(beside), 'image')} in folders beside the splits ({some(folders)}).")
    lists = [name for name in others if "/" not in name and is_table_name(name)]
    if lists:
        notes.append(f"Not read: {some(lists)}. A table is read where it is called {METADATA_NAMES[0]}.")
    return notes + unread_types([name for name in others if name not in lists])


def is_table_name(name: str) -> bool:
    """Whether a file is a table by its suffix, whether such tables are read or not."""
    return suffix_of(name) in _TABLES


def _is_metadata(name: str) -> bool:
    file = name.rpartition("/")[2].lower()
    return file.partition(".")[0] == "metadata" and (is_table_name(file) or suffix_of(file) == ".txt")
