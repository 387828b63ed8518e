"""Where a card's data come from: its table `[source]`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SplitName = Literal["train", "val", "test"]


class Section(BaseModel):
    """A table of a card; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FolderSource(Section):
    """Class sub-folders, with or without train/ val/ test/ above them, or files beside `metadata.csv` / `.jsonl`."""

    type: Literal["folder"]
    path: str


class TableSource(Section):
    """A CSV or JSONL file per split, or one for all; paths are relative to `root`, by default the file's folder."""

    type: Literal["csv", "jsonl"]
    path: str | dict[SplitName, str]
    root: str | None = None


class ParquetSource(Section):
    """Parquet files with the image as bytes or `{bytes, path}`; a glob per split, or one for all."""

    type: Literal["parquet"]
    path: str | dict[SplitName, str]


class WebDatasetSource(Section):
    """Tar shards in WebDataset layout; columns name the members' extensions (`jpg`, `cls`, `txt`, `json`)."""

    type: Literal["webdataset"]
    path: str | dict[SplitName, str]


class HubSource(Section):
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


class GeneratorSource(Section):
    """A function that writes a folder source, called once and cached.

    Attributes:
        call: Name of a generator that an installed package registers; see `workbench.datasets.generators`. Cards of
            finished runs may hold `package.module:function`, which is read, and never called.
        version: Part of the cache key; raise it when the output changes.
        sha256: Checksum over the generated files' contents, verified after generation where given.
        folder: Name that cards share whose files are the same; the card's own name if None.
    """

    type: Literal["generator"]
    call: str = Field(min_length=1)
    version: int = 1
    options: dict[str, int | float | str | bool] = {}
    sha256: str | None = None
    folder: str | None = None


Source = FolderSource | TableSource | ParquetSource | WebDatasetSource | HubSource | GeneratorSource
