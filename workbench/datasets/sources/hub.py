"""Hugging Face Hub datasets, through `datasets`; images stay encoded."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.sources._base import Location, Record, Source
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.parquet import coded_classes, decode_labels
from workbench.errors import DataError
from workbench.inputs import read_text


class HubTable(SourceTable):
    """A Hugging Face Hub dataset, read through `datasets`.

    Attributes:
        id: `org/name`.
        revision: Commit hash or tag; None means not pinned, and the resolved commit is recorded.
        config: The dataset's configuration name.
    """

    type: Literal["hub"]
    id: str
    revision: str | None = None
    config: str | None = None


class HubReader(Source):
    """Loads what `datasets.load_dataset` loads: a Hub id, or a local folder in the same layout.

    Args:
        card: The card.
        beside: Folder that a local folder's relative path starts from, or None.
    """

    Table: ClassVar[type[SourceTable]] = HubTable
    second_images: ClassVar[bool] = True
    remote: ClassVar[bool] = True

    def __init__(self, card: DatasetCard, beside: Path | None = None) -> None:
        assert isinstance(card.source, HubTable)
        self._card = card
        self._source = card.source
        self.revision = card.source.revision
        self.class_names: Mapping[str, str] = {}
        local = (beside or Path()) / card.source.id
        self._local = local.resolve() if local.is_dir() else None
        self.root = self._local or card.source.id

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:
        """See `Source.open`."""
        return cls(card, place.beside)

    @cached_property
    def _splits(self) -> dict[str, tuple[Any, str]]:
        """Split to dataset and name of its image column."""
        import datasets

        source = self._source
        try:
            builder = datasets.load_dataset_builder(str(self.root), source.config, revision=self.revision)
            builder.download_and_prepare()
            loaded = builder.as_dataset()
        except Exception as error:  # The Hub's clients raise many kinds; each is the user's to see as one sentence.
            reason = next(iter(str(error).splitlines()), "")
            raise DataError(
                f"dataset {self._card.name!r}: Hub dataset {source.id!r} could not be loaded ({type(error).__name__}: "
                f"{reason}). Check the id, the revision and the network, and for gated data `hf auth login`."
            ) from error
        # For a Hub repository the builder's hash is the commit that was read.
        if self._local is None and re.fullmatch(r"[0-9a-f]{40}", builder.hash or ""):
            self.revision = builder.hash
        splits = {}
        for name, split in loaded.items():
            image = RowReader(self._card, split.column_names, self._origin(name)).image
            splits[str(name)] = (split.cast_column(image, datasets.Image(decode=False)), image)
            if self._card.columns.second is not None:
                second, _ = self._card.columns.second
                # Where the second images lie, as if in a split of their own.
                splits[f"{name}/{second}"] = (split.cast_column(second, datasets.Image(decode=False)), second)
        return splits

    def text_file(self, name: str) -> str | None:
        """See `Source.text_file`."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        if self._local is not None:
            path = self._local / name
            return read_text(path, DataError) if path.is_file() else None
        try:
            found = hf_hub_download(self._source.id, name, repo_type="dataset", revision=self.revision)
        except LocalEntryNotFoundError as error:
            raise DataError(
                f"dataset {self._card.name!r}: {name} of Hub dataset {self._source.id!r} is not in the local cache, "
                "and the hub cannot be reached. Where there is internet, `workbench fetch` fetches it."
            ) from error
        except EntryNotFoundError:
            return None
        except Exception as error:  # As for the images.
            reason = next(iter(str(error).splitlines()), "")
            raise DataError(
                f"dataset {self._card.name!r}: {name} of Hub dataset {self._source.id!r} could not be loaded "
                f"({type(error).__name__}: {reason})."
            ) from error
        return read_text(Path(found), DataError)

    def _origin(self, split: object) -> str:
        return f"Hub dataset {self._source.id!r}, split {str(split)!r}"

    def state(self, files: Sequence[str]) -> str:  # noqa: ARG002
        """See `Source.state`. A Hub dataset stays at the revision that was read first; a local folder may change."""
        if self._local is None:
            return f"{self._source.id}@{self._source.revision}:{self._source.config}"
        digest = hashlib.sha256()
        for path in sorted(self._local.rglob("*")):
            try:
                stat = path.stat()  # Of the file behind a link, which may change.
            except OSError:
                stat = path.lstat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def records(self) -> list[Record]:
        """See `Source.records`."""
        records = []
        for place, (split, image) in self._splits.items():
            name, _, second = place.partition("/")
            card = _of_second(self._card) if second else self._card
            reader = RowReader(card, split.column_names, self._origin(name))
            codes = _codes(split.features.get(reader.label)) if reader.label else ()
            if codes:
                self.class_names = coded_classes(codes, self._card)
            columns = self._card.columns
            # Other columns of images would be decoded.
            images = [
                name for name in split.column_names if name in {image, columns.image, (columns.second or ("",))[0]}
            ]
            for number, row in enumerate(split.remove_columns(images)):
                if codes and reader.label:
                    row[reader.label] = decode_labels(row[reader.label], codes, self._card)
                records.append(reader.record(row, Location(place, number), name, f"row {number}"))
        return records

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        split, image = self._splits[location.file]
        value = split[location.row][image] or {}
        if value.get("bytes") is not None:
            return bytes(value["bytes"])
        if not value.get("path"):
            return b""
        try:
            return Path(value["path"]).read_bytes()
        except OSError as error:
            raise DataError(f"{value['path']}: cannot be read ({error.strerror or error}).") from error


def _of_second(card: DatasetCard) -> DatasetCard:
    """The card as it reads the second image of each row."""
    columns = card.columns
    pair_columns = dict(zip(("image", "caption"), columns.second or (), strict=False))
    return card.model_copy(update={"columns": columns.model_copy(update=pair_columns)})


def _codes(feature: Any) -> tuple[str, ...]:
    """Names of a `ClassLabel`, or of a list of them; empty for anything else."""
    inner = getattr(feature, "feature", feature)
    if isinstance(inner, list):
        inner = inner[0]
    return tuple(getattr(inner, "names", None) or ())
