"""A dataset that is open: its rows by split, their labels, and what the classes are called."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets._classes import class_list, classes_of_test
from workbench.datasets._digests import content_ranks, fingerprint_of, items_digest_of
from workbench.datasets._notes import dataset_notes
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SplitName
from workbench.datasets.depths import Depths
from workbench.datasets.domains import in_target_domains
from workbench.datasets.listed_images import ListedImages
from workbench.datasets.manifest import Manifest
from workbench.datasets.prompts import ClassPrompts, class_prompts
from workbench.datasets.roles import ROLES, SplitChoice
from workbench.datasets.sources import Source
from workbench.datasets.taxa import taxonomy_of
from workbench.datasets.trained_on import TrainedOn
from workbench.datasets.unlabelled_pool import unlabelled_pool
from workbench.metrics.hierarchy import Taxonomy


class Dataset(ListedImages):
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
        label_names: Raw label to name, of unknown classes, too, which are not among the classes; see `unknown_names`.
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
        super().__init__(card, manifest, source, depths)
        self._descriptions = descriptions or {}
        self._notes = notes
        self.trained_on: TrainedOn | None = None
        self.label_names: Mapping[str, str] = class_list(card, manifest)
        keys = list(self.label_names)
        unknown = classes_of_test(card, "unknown", keys, list(self.label_names.values()))
        self._unknown_keys = frozenset(keys[i] for i in unknown)
        self.class_keys: tuple[str, ...] = tuple(key for key in keys if key not in self._unknown_keys)
        self.class_names: tuple[str, ...] = tuple(self.label_names[key] for key in self.class_keys)

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
        if self._unknown_keys:
            for name in ("train", "val"):
                known = [name is None for name in self.unknown_names(rows[name])]
                rows[name] = rows[name][np.array(known, dtype=np.bool_)]
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
        return classes_of_test(self.card, "unseen", self.class_keys, self.class_names)

    @cached_property
    def taxonomy(self) -> Taxonomy | None:
        """The ranks above the classes; None where the card names none. See `taxonomy_of`."""
        classes = dict(zip(self.class_keys, self.class_names, strict=True))
        return taxonomy_of(self.card, self.manifest.records, classes)

    @property
    def unknown_class_names(self) -> tuple[str, ...]:
        """Names of the classes that test alone has and that no recipe is told of (`splits.unknown`)."""
        return tuple(name for key, name in self.label_names.items() if key in self._unknown_keys)

    def unknown_names(self, rows: Sequence[int] | AnyArray) -> list[str | None]:
        """The name of each image's class where that is unknown to recipes, else None."""
        if not self._unknown_keys:
            return [None] * len(rows)
        labels = [self._record(row).labels for row in rows]
        return [self.label_names[own[0]] if own and own[0] in self._unknown_keys else None for own in labels]

    def labels(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """int64 (n,) class indices, -1 without a label or of an unknown class; bool (n, n_classes) where multi-label.

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
        codes = [
            [index[label] for label in record.labels if label not in self._unknown_keys]
            for record in self.manifest.records
        ]
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

    @property
    def source_domains(self) -> tuple[str, ...]:
        """The domains of training images, in order; none where the card names no domains."""
        return tuple(sorted({name for name in self.domains(self.rows("train")) or () if name is not None}))

    def captions(self, rows: Sequence[int] | AnyArray) -> list[tuple[str, ...]]:
        """Captions of each image; an image may have none or several.

        Where the card says so, they are the descriptions of the image's classes.
        """
        if not self.card.captions_are_descriptions:
            return [self._record(row).captions for row in rows]
        name = self.label_names
        descriptions = self.prompts.descriptions
        return [
            tuple(text for key in self._record(row).labels for text in descriptions.get(name[key], ())) for row in rows
        ]  # fmt: skip

    @property
    def stray_descriptions(self) -> list[str]:
        """Names in the descriptions file that are of no class, sorted."""
        return sorted(self._descriptions.keys() - {*self.label_names, *self.label_names.values()})

    @cached_property
    def prompts(self) -> ClassPrompts:
        """See `class_prompts`."""
        every = class_prompts(self.card, list(self.label_names), list(self.label_names.values()), self._descriptions)
        known = set(self.class_names)
        described = {name: texts for name, texts in every.descriptions.items() if name in known}
        spoken = {name: text for name, text in every.names.items() if name in known}
        return replace(every, class_names=self.class_names, descriptions=described, names=spoken)

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

    @property
    def _public_names(self) -> set[str]:
        return {*self.label_names, *self.label_names.values()}
