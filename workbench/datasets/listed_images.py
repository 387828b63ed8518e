"""Images as a source lists them: their names, groups and domains, their bytes and pixels."""

import json
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets._missing import why_missing
from workbench.datasets.card import DatasetCard
from workbench.datasets.decoding import Decoder, decoder_of
from workbench.datasets.depths import Depths
from workbench.datasets.domains import domain_reader
from workbench.datasets.manifest import Manifest
from workbench.datasets.pictures import Pictures
from workbench.datasets.private_names import private_names
from workbench.datasets.sources import FileSource, Location, Record, Source, read_from
from workbench.datasets.subgroups import column_of, subgroups_of
from workbench.pseudonyms import Pseudonyms


class Encoded(NamedTuple):
    """An image's bytes: the source that reads them, where they are in it, and what makes pixels of them."""

    source: Source
    location: Location
    decoder: Decoder


class ListedImages(Pictures):
    """The images of a manifest, by row.

    Args:
        card: Says what columns mean, and what becomes of pixels.
        manifest: The list of images.
        source: Reads bytes, and decodes them where their format is its own.
        depths: What the images' headers say; without it all are taken for images of 8 bits.

    Attributes:
        card: As given.
        manifest: As given.
        depths: As given.
        pseudonyms: What takes the place of ids and groups; None where they are shown as they are.
    """

    def __init__(self, card: DatasetCard, manifest: Manifest, source: Source, depths: Depths | None = None) -> None:
        self.card = card
        self.manifest = manifest
        self._source = source
        self.depths = depths or Depths()
        self._decoder = decoder_of(source, card.source, card.pixels, self.depths.headers)
        self.pseudonyms: Pseudonyms | None = None

    def __len__(self) -> int:
        return len(self.manifest.records)

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    def _record(self, row: int) -> Record:
        return self.manifest.records[row]

    @property
    def root(self) -> Path | str:
        """Folder or address below which the data lie; empty where the source has none."""
        return self._source.root

    @property
    def revision(self) -> str | None:
        """The revision of a Hub dataset that is read; None for other sources."""
        return self.manifest.revision

    def groups(self, rows: Sequence[int] | AnyArray) -> IntArray | None:
        """int64 (n,) group codes, equal across splits; None if the card names no groups.

        An image without a group is a group of its own.
        """
        if not self._group_codes:
            return None
        first_free = len(self._group_codes)
        codes = [self._group_codes.get(self._record(row).group or "", first_free + int(row)) for row in rows]
        return np.array(codes, dtype=np.int64)

    @cached_property
    def _group_codes(self) -> dict[str, int]:
        names = sorted({record.group for record in self.manifest.records if record.group})
        return {name: code for code, name in enumerate(names)}

    def domains(self, rows: Sequence[int] | AnyArray) -> list[str | None] | None:
        """The domain of each image, None where it has none; None where the card names no domains."""
        read = domain_reader(self.card)
        if read is None:
            return None
        domains = [read(self._record(row)) for row in rows]
        return [self.shown_name(name) if name and self._hides_domain(name) else name for name in domains]

    def _hides_domain(self, name: str) -> bool:
        """Whether a pseudonym stands for a domain: it is a part of the names of images, or also a group."""
        return self.pseudonyms is not None and (
            self.card.splits.domain_pattern is not None or name in self._group_codes
        )

    def subgroups(self, rows: Sequence[int] | AnyArray) -> dict[str, list[str | None]]:
        """By column of `columns.subgroups`, the subgroup of each image, None where it has none."""
        return subgroups_of(self.card, [self._record(row) for row in rows], self._shown_subgroup)

    def observations(self, rows: Sequence[int] | AnyArray) -> list[str | None] | None:
        """The observation of each image, None where it has none; None where the card names none."""
        found = self._column("observation", rows)
        return None if found is None else [name and self.shown_name(name) for name in found]

    def regions(self, rows: Sequence[int] | AnyArray) -> list[str | None] | None:
        """The region of each image, None where it has none; None where the card names no regions."""
        return self._column("region", rows)

    def _column(self, key: str, rows: Sequence[int] | AnyArray) -> list[str | None] | None:
        if getattr(self.card.columns, key) is None:
            return None
        return column_of(self.card, [self._record(row) for row in rows], key)

    def _shown_subgroup(self, name: str) -> str:
        return self.shown_name(name) if name in self._group_codes else name

    def group_names(self, rows: Sequence[int] | AnyArray) -> list[str | None]:
        """The groups as the source names them."""
        groups = [self._record(row).group for row in rows]
        return groups if self.pseudonyms is None else [group and self.shown_name(group) for group in groups]

    def ids(self, rows: Sequence[int] | AnyArray) -> list[str]:
        """Unique names of the images for users: the id column, or else the path in the source."""
        return [self.shown_name(self._record(row).id) for row in rows]

    def extra(self, rows: Sequence[int] | AnyArray) -> list[Mapping[str, Any]]:
        """Columns of the source that the card does not use."""
        return [json.loads(self._record(row).extra or "{}") for row in rows]

    def under_pseudonyms(self, pseudonyms: Pseudonyms) -> Self:
        """The same dataset, whose ids, groups and names in notes are pseudonyms; all else is as it was."""
        other = copy(self)
        other.__dict__.pop("notes", None)
        other.pseudonyms = pseudonyms
        return other

    def shown_name(self, name: str) -> str:
        """An id or a group, or the pseudonym that takes its place."""
        return name if self.pseudonyms is None else self.pseudonyms.of(name)

    def shown_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Texts, with pseudonyms for the names of images, groups and files where the dataset has pseudonyms."""
        if self.pseudonyms is None or not texts:
            return tuple(texts)
        # At once, since to look for a million names takes a while.
        return tuple(self.pseudonyms.replaced("\0".join(texts), self._private_names).split("\0"))

    @cached_property
    def _private_names(self) -> frozenset[str]:
        names = private_names(self.manifest, self._source.root, self._public_names)
        read = domain_reader(self.card)
        if read is None or self.card.splits.domain_pattern is None:
            return names
        return names | {domain for domain in map(read, self.manifest.records) if domain}

    def hashes(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """uint8 (n, 32): hash of each image's bytes and of what else decides its pixels: `[pixels]`, its source."""
        return self._keys[np.asarray(rows, dtype=np.int64)]

    @cached_property
    def _keys(self) -> AnyArray:
        return self._decoder.keys(self.manifest.hashes)

    def read(self, row: int) -> bytes:
        """The bytes of one image; safe to call from several threads."""
        return read_from(self._source, self._location(row))

    def why_missing(self, row: int) -> str | None:
        """What is wrong with the name of an image that is not there, in words that follow it; None if unknown."""
        file = self._location(row).file
        if self.pseudonyms is not None or not isinstance(self._source, FileSource):
            return None
        if (self._source.root / file).exists():
            return None
        return why_missing(self._source.root, file)

    def encoded(self, row: int) -> Encoded:
        """An image's bytes, as whoever may see this image and no other reads them."""
        return Encoded(self._source, self._location(row), self._decoder_of(row))

    def _location(self, row: int) -> Location:
        return self._record(row).location

    @property
    def _public_names(self) -> set[str]:
        """Words that no pseudonym may stand for, whatever files are called."""
        return set()
