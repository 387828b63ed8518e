"""WebDataset tar shards, read by byte range."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard, WebDatasetSource
from workbench.datasets.images import IMAGE_SUFFIXES
from workbench.datasets.sources._base import Location, Record, make_record
from workbench.datasets.sources._files import FileBacked
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.parquet import _common_folder
from workbench.errors import DataError


class WebDatasetReader(FileBacked):
    """Members that share a name up to its first dot are one sample; extensions are the columns.

    The card's image column is an extension (`jpg`), or `image` for whichever image extension the sample has. A `json`
    member's keys are columns too.
    """

    def __init__(self, card: DatasetCard, locate: Locator) -> None:
        source = card.source
        assert isinstance(source, WebDatasetSource)
        paths = {None: source.path} if isinstance(source.path, str) else dict(source.path)
        self._shards = [(split, file) for split, pattern in paths.items() for file in locate.find_all(pattern)]
        super().__init__(_common_folder([file for _, file in self._shards]))
        self._card = card

    def records(self) -> list[Record]:
        """See `Source.records`."""
        return [record for split, path in self._shards for record in self._shard(path, split)]

    def _shard(self, path: Path, split: str | None) -> Iterator[Record]:
        own = path.relative_to(self.root).as_posix()
        samples: dict[str, dict[str, Any]] = {}
        images: dict[str, Location] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    if not member.isfile():
                        continue
                    folder, _, name = member.name.rpartition("/")
                    stem, _, extension = name.partition(".")
                    key = f"{folder}/{stem}" if folder else stem
                    row = samples.setdefault(key, {})
                    if self._is_image(extension):
                        images[key] = Location(own, -1, member.offset_data, member.size)
                    else:
                        row.update(_columns(path, member.name, extension, tar.extractfile(member)))
        except tarfile.TarError as error:
            raise DataError(f"{path}: not an uncompressed tar file ({error}).") from error
        for key, location in images.items():
            record = make_record(self._card, f"{path}, sample {key!r}", samples[key], location, split)
            yield record if self._card.columns.id else Record(**{**record.__dict__, "id": f"{own}/{key}"})

    def _is_image(self, extension: str) -> bool:
        wanted = self._card.columns.image
        return f".{extension.lower()}" in IMAGE_SUFFIXES if wanted == "image" else extension == wanted


def _columns(path: Path, name: str, extension: str, file: Any) -> dict[str, Any]:
    content = file.read()
    try:
        if extension == "json":
            value = json.loads(content)
            return value if isinstance(value, dict) else {"json": value}
        return {extension: content.decode("utf-8").strip()}
    except ValueError:
        if extension == "json":
            raise DataError(f"{path}, member {name!r}: not valid JSON.") from None
        return {}  # Binary members (npy, pth) are not columns.
