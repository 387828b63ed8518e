"""A dataset that is open: its rows by split, and encoded images by row."""

import json
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets._classes import class_list, unseen_classes
from workbench.datasets._digests import content_ranks, fingerprint_of, items_digest_of
from workbench.datasets._missing import why_missing
from workbench.datasets._notes import dataset_notes
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SplitName
from workbench.datasets.decoding import Decoder, decoder_of
from workbench.datasets.depths import Depths
from workbench.datasets.domains import domain_reader, in_target_domains
from workbench.datasets.manifest import Manifest
from workbench.datasets.pictures import Pictures
from workbench.datasets.private_names import private_names
from workbench.datasets.prompts import ClassPrompts, class_prompts
from workbench.datasets.roles import ROLES, SplitChoice
from workbench.datasets.sources import FileSource, Location, Record, Source, read_from
from workbench.datasets.subgroups import subgroups_of
from workbench.datasets.trained_on import TrainedOn
from workbench.datasets.unlabelled_pool import unlabelled_pool
from workbench.pseudonyms import Pseudonyms


class Encoded(NamedTuple):
    """An image's bytes: the source that reads them, where they are in it, and what makes pixels of them."""

    source: Source
    location: Location
    decoder: Decoder


class Dataset(Pictures):
    """A card with its manifest and source.

    Images go by *row*, their position in the manifest; ascending rows are the order in which the source reads them
    fastest. `rows` of a split come ordered by content hash instead, so that nothing drawn from them by position depends
    on how files are called.

    Args:
        card: The card.
        manifest: The list of images.
        source: Reads bytes, and decodes them where their format is its own.
        descriptions: Sentences by raw label or class name, from the card's descriptions file.
        depths: What the images' headers say; without it all are taken for images of 8 bits.
        notes: Sentences that come before the dataset's own.

    Attributes:
        class_keys: Raw labels, in class order.
        class_names: The name of each class in prompts.
        depths: As given.
        pseudonyms: What takes the place of ids and groups; None where they are shown as they are.
        trained_on: Where training and validation images come from, if not from the dataset itself; see `JoinedDataset`.

    Raises:
        DataError: A label is not among the card's classes, or there are too few classes.
        CardError: Two classes have one name, or a description is for no class.
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
        self.card = card
        self.manifest = manifest
        self._source = source
        self.depths = depths or Depths()
        self._decoder = decoder_of(source, card.source, card.pixels, self.depths.headers)
        self._descriptions = descriptions or {}
        self._notes = notes
        self.pseudonyms: Pseudonyms | None = None
        self.trained_on: TrainedOn | None = None
        classes = class_list(card, manifest)
        self.class_keys: tuple[str, ...] = tuple(classes)
        self.class_names: tuple[str, ...] = tuple(classes.values())

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

    @property
    def made_splits(self) -> tuple[SplitName, ...]:
        """The splits that the source lacks, and that were made from train."""
        return self.manifest.made

    def rows(self, split: SplitChoice) -> IntArray:
        """Rows of `train`, `val` or `test`, int64 (n,), ordered by content hash; `all` has the three in this order."""
        if split == "all":
            return np.concatenate([self._rows_by_split[role] for role in ROLES])
        return self._rows_by_split[split]

    @cached_property
    def _rows_by_split(self) -> dict[str, IntArray]:
        records = self.manifest.records
        words = np.ascontiguousarray(self.manifest.hashes).view(">u8").reshape(-1, 4)
        order = np.lexsort((content_ranks(self.manifest), *words.T[::-1])).astype(np.int64)
        splits = np.array([record.split for record in records])[order]
        rows: dict[str, IntArray] = {name: order[splits == name] for name in ROLES}
        if len(self.unseen_classes):
            for name in ("train", "val"):
                rows[name] = rows[name][~np.isin(self.labels(rows[name]), self.unseen_classes)]
        return rows | self._kept_apart(rows["test"])

    def _kept_apart(self, test: IntArray) -> dict[str, IntArray]:
        """`unlabelled` rows, and the test rows that are left, where the card keeps some of the target apart."""
        card = self.card.splits
        if card.by != "domain":
            return {}
        there = [self.manifest.records[row] for row in test.tolist()]
        target = np.flatnonzero(in_target_domains(self.card, there))
        pool = [there[i] for i in target.tolist()]
        apart = target[unlabelled_pool(pool, self.manifest.hashes[test[target]], card.unlabelled, card.seed)]
        return {"unlabelled": test[apart], "test": np.delete(test, apart)}

    @property
    def unlabelled_rows(self) -> IntArray:
        """Rows of the images that recipes may adapt to without their labels, int64 (n,), ordered by content hash.

        They are those of train; where test is another domain than train, what `splits.unlabelled` keeps of it.
        """
        return self._rows_by_split.get("unlabelled", self._rows_by_split["train"])

    @property
    def validates_on_target(self) -> bool:
        """Whether validation images are of the same domain as test, so that their labels are labels of the target."""
        return self.card.splits.by != "domain"

    @cached_property
    def unseen_classes(self) -> IntArray:
        """Classes that test alone has, as the card's `splits.unseen` wants it: int64, ascending.

        Raises:
            CardError: A name is no class, or no class would be left to train on or to leave out.
        """
        return unseen_classes(self.card, self.class_keys, self.class_names)

    def labels(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """int64 (n,) class indices, -1 without a label; bool (n, n_classes) for a multi-label card.

        Where findings of the dataset are masked, float32 (n, n_classes): 1, 0, or NaN where it is not known whether the
        image has the label.
        """
        return np.asarray(self._labels[np.asarray(rows, dtype=np.int64)])

    @property
    def fitted(self) -> "Dataset":
        """The dataset whose classes recipes are fitted on: itself, unless others are scored by their text."""
        return self

    @property
    def whole(self) -> "Dataset":
        """The dataset that holds its test images, with all of its classes and domains: itself, unless it is a part."""
        return self

    def labels_to_fit(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """As `labels`, of training or validation rows, in the classes of `fitted`."""
        return self.labels(rows)

    def labels_to_draw(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """As `labels_to_fit`, in the order of classes by which few-shot samples are drawn."""
        return self.labels_to_fit(rows)

    @cached_property
    def _labels(self) -> AnyArray:
        index = {key: i for i, key in enumerate(self.class_keys)}
        codes = [[index[label] for label in record.labels] for record in self.manifest.records]
        if not self.card.multi_label:
            return np.array([image_codes[0] if image_codes else -1 for image_codes in codes], dtype=np.int64)
        hot = np.zeros((len(codes), len(self.class_keys)), dtype=np.bool_)
        for i, image_codes in enumerate(codes):
            hot[i, image_codes] = True
        if not self.masks_labels:
            return hot
        masked = hot.astype(np.float32)
        for i, record in enumerate(self.manifest.records):
            masked[i, [index[label] for label in record.unknown]] = np.nan
        return masked

    @cached_property
    def masks_labels(self) -> bool:
        """Whether it is unknown of some images whether they have a label; see `labels`."""
        return any(record.unknown for record in self.manifest.records)

    def class_counts(self, split: SplitName) -> IntArray:
        """Number of images of each class in a split, int64 (n_classes,)."""
        labels = self.labels(self.rows(split))
        if self.card.multi_label:
            return np.asarray(np.nansum(labels, axis=0), dtype=np.int64)
        return np.bincount(labels[labels >= 0], minlength=len(self.class_keys)).astype(np.int64)

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

    def subgroups(self, rows: Sequence[int] | AnyArray) -> dict[str, list[str | None]]:
        """By column of `columns.subgroups`, the subgroup of each image, None where it has none."""
        return subgroups_of(self.card, [self._record(row) for row in rows], self._shown_subgroup)

    def _shown_subgroup(self, name: str) -> str:
        return self.shown_name(name) if name in self._group_codes else name

    @property
    def source_domains(self) -> tuple[str, ...]:
        """The domains of training images, in order; none where the card names no domains."""
        return tuple(sorted({name for name in self.domains(self.rows("train")) or () if name is not None}))

    def _hides_domain(self, name: str) -> bool:
        """Whether a pseudonym stands for a domain: it is a part of the names of images, or also a group."""
        return self.pseudonyms is not None and (
            self.card.splits.domain_pattern is not None or name in self._group_codes
        )

    def group_names(self, rows: Sequence[int] | AnyArray) -> list[str | None]:
        """The groups as the source names them."""
        groups = [self._record(row).group for row in rows]
        return groups if self.pseudonyms is None else [group and self.shown_name(group) for group in groups]

    def captions(self, rows: Sequence[int] | AnyArray) -> list[tuple[str, ...]]:
        """Captions of each image; an image may have none or several.

        Where the card says so, they are the descriptions of the image's classes.
        """
        if not self.card.captions_are_descriptions:
            return [self._record(row).captions for row in rows]
        name = dict(zip(self.class_keys, self.class_names, strict=True))
        descriptions = self.prompts.descriptions
        return [
            tuple(text for key in self._record(row).labels for text in descriptions.get(name[key], ())) for row in rows
        ]  # fmt: skip

    def ids(self, rows: Sequence[int] | AnyArray) -> list[str]:
        """Unique names of the images for users: the id column, or else the path in the source."""
        return [self.shown_name(self._record(row).id) for row in rows]

    def under_pseudonyms(self, pseudonyms: Pseudonyms) -> "Dataset":
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
        names = private_names(self.manifest, self._source.root, {*self.class_keys, *self.class_names})
        read = domain_reader(self.card)
        if read is None or self.card.splits.domain_pattern is None:
            return names
        return names | {domain for domain in map(read, self.manifest.records) if domain}

    def extra(self, rows: Sequence[int] | AnyArray) -> list[Mapping[str, Any]]:
        """Columns of the source that the card does not use."""
        return [json.loads(self._record(row).extra or "{}") for row in rows]

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

    @property
    def stray_descriptions(self) -> list[str]:
        """Names in the descriptions file that are of no class, sorted."""
        return sorted(self._descriptions.keys() - {*self.class_keys, *self.class_names})

    def _location(self, row: int) -> Location:
        return self._record(row).location

    @cached_property
    def prompts(self) -> ClassPrompts:
        """See `class_prompts`."""
        return class_prompts(self.card, self.class_keys, self.class_names, self._descriptions)

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of all that determines results; see `fingerprint_of`."""
        return fingerprint_of(self)

    @cached_property
    def items_digest(self) -> str:
        """Hex digest of the test images, their raw labels and groups, whatever the classes are called."""
        return items_digest_of(self)

    @property
    def unlabelled_notes(self) -> tuple[str, ...]:
        """Of a folder that is read without labels: why, and what of it is not read; else empty."""
        return (*self._notes, *self.manifest.notes) if self._notes else ()

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Notes for readers of results: see `dataset_notes`."""
        return self.shown_texts((*self._notes, *dataset_notes(self)))
