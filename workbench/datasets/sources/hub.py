"""Hugging Face Hub datasets, through `datasets`; images stay encoded."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from workbench.datasets.card import DatasetCard, HubSource
from workbench.datasets.sources._base import Location, Record, make_record
from workbench.errors import DataError


class HubReader:
    """Loads what `datasets.load_dataset` loads: a Hub id, or a local folder in the same layout."""

    def __init__(self, card: DatasetCard) -> None:
        assert isinstance(card.source, HubSource)
        self._card = card
        self._source = card.source

    @cached_property
    def _splits(self) -> dict[str, Any]:
        import datasets

        source = self._source
        try:
            loaded = datasets.load_dataset(source.id, source.config, revision=source.revision)
        except Exception as error:  # The hub's clients raise many kinds; each is the user's to see as one sentence.
            raise DataError(
                f"dataset {self._card.name!r}: hub id {source.id!r} could not be loaded "
                f"({type(error).__name__}: {str(error).splitlines()[0]}). Check network, id and `hf auth login`."
            ) from error
        image = self._card.columns.image
        found = {}
        for name, split in loaded.items():
            if image not in split.column_names:
                raise DataError(
                    f"hub dataset {source.id!r}, split {name!r}: no column {image!r}; "
                    f"columns there: {', '.join(split.column_names)}."
                )
            found[name] = split.cast_column(image, datasets.Image(decode=False))
        return found

    @property
    def class_names(self) -> Mapping[str, str]:
        """The names that the dataset's own features give its labels."""
        label = self._card.columns.label
        for split in self._splits.values():
            feature = split.features.get(label) if label else None
            feature = getattr(feature, "feature", feature)
            if getattr(feature, "names", None):
                return {str(index): name for index, name in enumerate(feature.names)}
        return {}

    def stamp(self, file: str) -> tuple[int, int]:  # noqa: ARG002 - a revision does not change
        """See `Source.stamp`."""
        return (-1, -1)

    def state(self, files: Sequence[str]) -> str:  # noqa: ARG002
        """See `Source.state`: a revision is its own state."""
        return f"{self._source.id}@{self._source.revision}:{self._source.config}"

    def records(self) -> list[Record]:
        """See `Source.records`."""
        image = self._card.columns.image
        found = []
        for name, split in self._splits.items():
            for number, row in enumerate(split.remove_columns([image])):
                origin = f"hub dataset {self._source.id!r}, split {name!r}, row {number}"
                found.append(make_record(self._card, origin, row, Location(name, number), name))
        return found

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        value = self._splits[location.file][location.row][self._card.columns.image]
        if value is None:
            return b""
        if value.get("bytes") is not None:
            return bytes(value["bytes"])
        with open(value["path"], "rb") as file:  # noqa: PTH123 - may be a URL-like path that `open` alone accepts
            return file.read()
