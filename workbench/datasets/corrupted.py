"""A dataset whose test images are there corrupted, too: each corruption at each severity is a domain."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_corruptions import domain_name
from workbench.datasets.corrupting import CorruptingDecoder
from workbench.datasets.dataset import Dataset
from workbench.datasets.decoding import Decoder
from workbench.datasets.depths import Depths
from workbench.datasets.domains import CORRUPTION
from workbench.datasets.manifest import Manifest
from workbench.datasets.sources import RecordColumns, Source
from workbench.formatting import counted


class CorruptedDataset(Dataset):
    """See `Dataset`. Rows of corrupted copies follow those of the source; copies of an image are of its group.

    A copy is decoded as its image is, and corrupted at its full size. What is random in that depends on the image's
    contents and the card's seed alone.
    """

    def __init__(
        self,
        card: DatasetCard,
        manifest: Manifest,
        source: Source,
        descriptions: Mapping[str, tuple[str, ...]] | None = None,
        depths: Depths | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        copied, self._corruption = _with_copies(card, manifest)
        super().__init__(card, copied, source, descriptions, depths, (*notes, _note(card, manifest)))
        table = card.corruptions
        self._corrupting = [CorruptingDecoder(self._decoder, *domain, table.seed) for domain in table.domains]

    @cached_property
    def _keys(self) -> AnyArray:
        keys = self._decoder.keys(self.manifest.hashes).copy()
        for number, decoder in enumerate(self._corrupting):
            rows = np.flatnonzero(self._corruption == number)
            keys[rows] = decoder.keys(self.manifest.hashes[rows])
        return keys

    def _decoder_of(self, row: int) -> Decoder:
        number = int(self._corruption[row])
        return self._decoder if number < 0 else self._corrupting[number]

    def groups(self, rows: Sequence[int] | AnyArray) -> IntArray | None:
        """See `Dataset.groups`; images of which there are no copies have none where the card names none."""
        return super().groups(rows) if any(self._record(row).group for row in rows) else None


def _with_copies(card: DatasetCard, manifest: Manifest) -> tuple[Manifest, IntArray]:
    """The manifest with copies of test images behind, and the number of each row's corruption, -1 for none."""
    table, domains = card.corruptions, card.corruptions.domains
    records = RecordColumns()
    rows: list[int] = []
    numbers: list[int] = []
    for row, record in enumerate(manifest.records):
        if record.split == "test" and not table.clean:
            continue
        grouped = replace(record, group=record.group or record.id) if record.split == "test" else record
        records.append(grouped)
        rows.append(row)
        numbers.append(-1)
    for number, (name, severity) in enumerate(domains):
        domain = domain_name(name, severity)
        for row, record in enumerate(manifest.records):
            if record.split != "test":
                continue
            extra = {**json.loads(record.extra or "{}"), CORRUPTION: domain}
            group, name_of_copy = record.group or record.id, f"{record.id}@{domain}"
            records.append(replace(record, id=name_of_copy, group=group, extra=json.dumps(extra)))
            rows.append(row)
            numbers.append(number)
    copied = replace(manifest, records=records, stamps=manifest.stamps[rows], hashes=manifest.hashes[rows])
    return copied, np.array(numbers, dtype=np.int64)


def _note(card: DatasetCard, manifest: Manifest) -> str:
    table = card.corruptions
    images = sum(record.split == "test" for record in manifest.records)
    severities = ", ".join(map(str, sorted(set(table.severities))))
    beside = "beside the images as they are" if table.clean else "in place of the images as they are"
    kinds = table.named if len(table.named) <= 5 else (*table.named[:5], f"{len(table.named) - 5} more")
    return (
        f"Test has each of its {counted(images, 'image')} corrupted in {counted(len(table.domains), 'way')}, {beside}: "
        f"{', '.join(kinds)}; severity {severities}. Copies of an image are one group."
    )
