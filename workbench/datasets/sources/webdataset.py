"""WebDataset tar shards, read by byte range."""

import os
import re
import tarfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn, Self

from pydantic import Field, model_validator

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable, SplitName
from workbench.datasets.images import IMAGE_SUFFIXES
from workbench.datasets.noted_names import note_names
from workbench.datasets.sources._base import Location, Record, Source
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._files import FileSource, StoredFiles, relative
from workbench.datasets.sources._locate import Locator, common_folder, expand_braces, find_by_split
from workbench.datasets.sources._record_columns import RecordColumns
from workbench.datasets.sources._remote import RemoteFiles, are_addresses
from workbench.datasets.sources._snapshot import snapshot_of
from workbench.datasets.walking import is_image_name, some
from workbench.errors import DataError
from workbench.formatting import counted
from workbench.inputs import MAX_TEXT_BYTES, parse_json, read_text


class WebDatasetTable(SourceTable):
    """Tar shards in WebDataset layout; columns name the members' extensions (`jpg`, `cls`, `txt`, `json`).

    Attributes:
        path: Shards, or a folder of them, with a sub-folder for each split or without; inside the repository where
            there is an `id`, and by default all of its shards.
        id: A repository of datasets on the Hub, `org/name`, in place of files of one's own.
        revision: Commit hash or tag of the repository; None means not pinned, and the resolved commit is recorded.
    """

    type: Literal["webdataset"]
    path: str | dict[SplitName, str] | None = None
    id: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str | None = None

    @model_validator(mode="after")
    def _names_a_place(self) -> Self:
        if self.path is None and self.id is None:
            raise ValueError("name the shards in path, or a repository on the Hub in id")
        if self.id is None and self.revision is not None:
            raise ValueError("revision is of a repository on the Hub; name it in id")
        return self


class WebDatasetFiles(StoredFiles):
    """Members that share a name up to its first dot are one sample; extensions are the columns.

    The card's image column is an extension (`jpg`), or `image` for whichever image extension the sample has. A `json`
    member's keys are columns too. Where the card names no label or caption column, `cls` and `txt` are taken.
    """

    Table: ClassVar[type[SourceTable]] = WebDatasetTable
    _card: DatasetCard

    def records(self) -> Sequence[Record]:
        """See `Source.records`."""
        notes: list[str] = []
        records = RecordColumns(record for split, shard in self.files for record in self._shard(shard, split, notes))
        self.notes = tuple(dict.fromkeys(notes))
        if not records:
            raise DataError(
                f"{self.where(self.files[0][1])}: no sample has an image; columns.image of the card "
                f"{self._card.name!r} is {self._card.columns.image!r} (an extension such as 'jpg', or 'image' for any)."
            )
        return records

    def _shard(self, shard_name: str, split: str | None, notes: list[str]) -> Iterator[Record]:
        path = self.where(shard_name)
        samples: dict[str, dict[str, Any]] = {}
        images: dict[str, tuple[str, Location]] = {}
        dotted: list[str] = []
        try:
            with self.open_file(shard_name) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                at = file.tell()
                size = file.seek(0, os.SEEK_END)
                file.seek(at)
                for member in tar:
                    tar.members.clear()  # type: ignore[attr-defined]  # Or it keeps all of them.
                    if member.isfile() and not member.issparse() and member.offset_data + member.size > size:
                        raise tarfile.ReadError(f"{member.name!r} ends beyond the file; is it cut off?")
                    folder, _, name = member.name.removeprefix("./").rpartition("/")
                    stem, _, extension = name.partition(".")
                    if not member.isfile() or not stem:
                        continue
                    key = f"{folder}/{stem}" if folder else stem
                    row = samples.setdefault(key, {})
                    if self._is_image(extension):
                        if key in images:
                            self._refuse_two_images(path, key, images[key][0], extension)
                        images[key] = extension, Location(shard_name, -1, member.offset_data, member.size)
                    elif "." in extension and is_image_name(extension):
                        dotted.append(member.name)
                    elif f".{extension.lower()}" not in IMAGE_SUFFIXES:
                        row.update(_columns(path, member, extension, tar))
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise DataError(f"{path}: not a readable, uncompressed tar file ({error}).") from error
        if dotted:
            cut = dotted[0].rpartition("/")[2].partition(".")
            note_names((cut[0] + "." + cut[2], cut[0]))
            notes.append(
                f"Left out: {counted(len(dotted), 'image')} of {shard_name} with further dots in the name "
                f"({some(dotted)}). The sample of {cut[0] + '.' + cut[2]!r} is {cut[0]!r} and its column {cut[2]!r}; "
                "columns.image can name that, or replace the dots in the names."
            )
        if bare := sorted(samples.keys() - images.keys()):
            have = "has" if len(bare) == 1 else "have"
            notes.append(f"{counted(len(bare), 'sample')} of {shard_name} {have} no image: {some(bare)}.")
        card = _with_extensions(self._card, set().union(*samples.values()))
        for key, (_, location) in images.items():
            # A sample may lack a column that others have, but not one that the card names.
            reader = RowReader(card, ["image", *samples[key]], f"{path}, sample {key!r}")
            record = reader.record(samples[key], location, split, f"sample {key!r}")
            yield record if card.columns.id else replace(record, id=f"{shard_name}/{key}")

    def _refuse_two_images(self, path: str, key: str, first: str, second: str) -> NoReturn:
        raise DataError(
            f"{path}: sample {key!r} has two images, {first!r} and {second!r}; say in columns.image of the card "
            f"{self._card.name!r} which it is."
        )

    def _is_image(self, extension: str) -> bool:
        column = self._card.columns.image
        return f".{extension.lower()}" in IMAGE_SUFFIXES if column == "image" else extension == column


class WebDatasetReader(WebDatasetFiles, FileSource):
    """Tar shards on this machine.

    Args:
        card: The card.
        root: The folder that holds them all.
        found: The shards, each with the source's name of its split, or None.
        revision: Of the repository that they are of.
    """

    def __init__(
        self, card: DatasetCard, root: Path, found: Sequence[tuple[str | None, Path]], revision: str | None = None
    ) -> None:
        super().__init__(root, [path for _, path in found])
        self.files = [(split, relative(path, self.root)) for split, path in found]
        self.revision = revision
        self._card = card

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Source:
        """See `Source.open`."""
        table = card.source
        assert isinstance(table, WebDatasetTable)
        if table.id is not None:
            return cls._of_repository(card, table, table.id)
        assert table.path is not None
        if are_addresses(table.path, card.name):
            return RemoteWebDatasetReader(card)
        found = find_by_split(card, table.path, place)
        if isinstance(table.path, str) and len(found) == 1 and found[0][1].is_dir():
            root = found[0][1]
            return cls(card, root, shards_below(root, card.name))
        return cls(card, common_folder([path for _, path in found]), found)

    @classmethod
    def _of_repository(cls, card: DatasetCard, table: WebDatasetTable, repository: str) -> Self:
        path = table.path
        patterns = ["*.tar"] if path is None else [path] if isinstance(path, str) else list(path.values())
        patterns = [part for pattern in patterns for part in expand_braces(pattern)]
        root = snapshot_of(repository, table.revision, patterns, card.name)
        if isinstance(path, dict):
            found = [
                (getattr(card.splits, name), file)
                for name, pattern in path.items()
                for part in expand_braces(pattern)
                for file in sorted(root.glob(part), key=natural_order)
            ]
        else:
            found = shards_below(root, card.name, patterns if path else ())
        if not found:
            raise DataError(f"dataset {card.name!r}: Hub repository {repository!r} has no shard {' '.join(patterns)}.")
        return cls(card, root, found, root.name)

    @classmethod
    def downloads(cls, table: SourceTable) -> bool:
        """See `Source.downloads`."""
        return isinstance(table, WebDatasetTable) and table.id is not None


class RemoteWebDatasetReader(WebDatasetFiles, RemoteFiles):
    """Tar shards in an object store."""

    def __init__(self, card: DatasetCard) -> None:
        super().__init__(card)
        self._card = card

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:  # noqa: ARG003
        """See `Source.open`."""
        return cls(card)


def shards_below(root: Path, dataset: str, patterns: Sequence[str] = ()) -> list[tuple[str | None, Path]]:
    """The shards of a folder, each with its split: the name of the sub-folder that it lies in; None directly in it.

    Args:
        root: The folder.
        dataset: The dataset's name, for messages.
        patterns: Those that are wanted, from `root`; all without.

    Raises:
        DataError: There is none, or a sub-folder's `nshards.txt` says another number than there are.
    """
    wanted = {file for pattern in patterns for file in root.glob(pattern)}
    found = []
    for folder in [root, *(path for path in sorted(root.iterdir()) if path.is_dir())]:
        shards = sorted(folder.glob("*.tar"), key=natural_order)
        count = folder / "nshards.txt"
        said = read_text(count, DataError).strip() if count.is_file() and not patterns else str(len(shards))
        if said != str(len(shards)):
            raise DataError(
                f"dataset {dataset!r}: {folder} has {counted(len(shards), 'shard')}, and its nshards.txt says {said}; "
                "copy or download the others."
            )
        chosen = [path for path in shards if path in wanted] if patterns else shards
        found += [(None if folder == root else folder.name, path) for path in chosen]
    if not found:
        raise DataError(
            f"dataset {dataset!r}: {root} has no .tar file, neither directly nor in sub-folders such as train and test."
        )
    return found


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sorts `2.tar` before `10.tar`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _with_extensions(card: DatasetCard, available: Collection[str]) -> DatasetCard:
    """The card with WebDataset's usual extensions where it names no column; the image's own is settled already."""
    usual = {"label": "cls", "caption": "txt"}
    usual_columns = {
        role: ext for role, ext in usual.items() if getattr(card.columns, role) is None and ext in available
    }
    return card.model_copy(update={"columns": card.columns.model_copy(update={"image": "image", **usual_columns})})


def _columns(path: str, member: tarfile.TarInfo, extension: str, tar: tarfile.TarFile) -> dict[str, Any]:
    if member.size > MAX_TEXT_BYTES:  # A sparse one may claim any size.
        return {}
    file = tar.extractfile(member)
    content = file.read() if file is not None else b""
    if extension == "json":
        value = parse_json(content, f"{path}, member {member.name!r}", DataError)
        return value if isinstance(value, dict) else {"json": value}
    try:
        return {extension: content.decode("utf-8").strip()}
    except UnicodeDecodeError:
        return {}  # Binary members (npy, pth) are not columns.
