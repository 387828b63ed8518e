"""Rows of several datasets as one dataset: each image stays where it is, and is decoded as its own dataset says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets._digests import fingerprint_of
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SplitName
from workbench.datasets.dataset import Dataset
from workbench.datasets.decoding import Decoder
from workbench.datasets.depths import Depths
from workbench.datasets.listed_images import Encoded
from workbench.datasets.manifest import Manifest
from workbench.datasets.sources import Location, Record, RecordColumns
from workbench.datasets.trained_on import TrainedOn


@dataclass(frozen=True)
class Piece:
    """Rows of a dataset that are one split of a joined dataset.

    Attributes:
        dataset: The dataset.
        rows: Its rows, int64.
        split: What they are in the joined dataset; None for images that are in no split.
        labels: Raw label there to raw label here; other labels are left out.
        is_foreign: Whether its groups and images are others than those of equal names in the other pieces.
    """

    dataset: Dataset
    rows: IntArray
    split: SplitName | None
    labels: Mapping[str, str]
    is_foreign: bool = False

    def records(self) -> Iterator[Record]:
        """The images as they are listed in the joined dataset."""
        for row in self.rows.tolist():
            record = self.dataset.manifest.records[row]
            group = f"{self.dataset.name}/{record.group}" if record.group and self.is_foreign else record.group
            yield replace(
                record, split=self.split, group=group, labels=self._here(record.labels),
                unknown=self._here(record.unknown),
            )  # fmt: skip

    def _here(self, labels: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.labels[label] for label in labels if label in self.labels))


class JoinedDataset(Dataset):
    """Pieces of datasets under one card.

    Everything that asks for images by row works on it. Images keep their hashes, so that features are computed once for
    all datasets that have them.

    Args:
        card: That of the dataset that the test images are of.
        pieces: Its images; the dataset of the last tells what a class is called and described by.
        classes: Raw labels, in class order, to names.
        tested: The dataset whose test images and classes these are, where the training images are of another: results
            are results on that dataset. None where this is a dataset of its own.
        trained_on: Where training images come from then.
        notes: Sentences about it.
    """

    def __init__(
        self,
        card: DatasetCard,
        pieces: Sequence[Piece],
        classes: Mapping[str, str],
        *,
        tested: Dataset | None = None,
        trained_on: TrainedOn | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self._pieces = pieces
        self._tested = tested
        self._piece_of = np.repeat(np.arange(len(pieces)), [len(piece.rows) for piece in pieces])
        self._own_rows = np.concatenate([piece.rows for piece in pieces]).astype(np.int64)
        base = pieces[-1].dataset
        own = {*classes, *classes.values()}
        descriptions = {name: texts for name, texts in base._descriptions.items() if name in own}
        headers = {key: header for piece in pieces for key, header in piece.dataset.depths.headers.items()}
        depths = Depths(headers, base.depths.range)
        super().__init__(card, self._manifest(classes, notes), base._source, descriptions, depths)
        self.pseudonyms = base.pseudonyms
        self.trained_on = trained_on

    def _manifest(self, classes: Mapping[str, str], notes: Sequence[str]) -> Manifest:
        def joined(name: str) -> AnyArray:
            return np.concatenate([getattr(piece.dataset.manifest, name)[piece.rows] for piece in self._pieces])

        # Recipes may train on validation images that were made from train.
        made = [piece.dataset.made_splits for piece in self._pieces if piece.split == "val"]
        return Manifest(
            records=RecordColumns(record for piece in self._pieces for record in piece.records()),
            stamps=joined("stamps"),
            hashes=joined("hashes"),
            state="",
            class_names=dict(classes),
            notes=tuple(notes),
            revision=self._pieces[-1].dataset.revision,
            made=("val",) if any("val" in splits for splits in made) else (),
            noted_names=tuple(name for piece in self._pieces for name in piece.dataset.manifest.noted_names),
        )

    def _at(self, row: int) -> tuple[Dataset, int]:
        """The dataset of an image, and its row there."""
        return self._pieces[int(self._piece_of[row])].dataset, int(self._own_rows[row])

    def _by_piece(self, rows: Sequence[int] | AnyArray) -> Iterator[tuple[Piece, IntArray, IntArray]]:
        """Pieces, positions in `rows`, and rows of the piece's dataset."""
        wanted = np.asarray(rows, dtype=np.int64)
        for number, piece in enumerate(self._pieces):
            places = np.flatnonzero(self._piece_of[wanted] == number)
            if len(places):
                yield piece, places, self._own_rows[wanted[places]]

    @cached_property
    def _keys(self) -> AnyArray:
        return np.concatenate([piece.dataset.hashes(piece.rows) for piece in self._pieces])

    def ids(self, rows: Sequence[int] | AnyArray) -> list[str]:
        """See `Dataset.ids`; images of a foreign piece have the name of its dataset before theirs."""
        names = [""] * len(rows)
        for piece, places, own in self._by_piece(rows):
            before = f"{piece.dataset.name}/" if piece.is_foreign else ""
            for place, name in zip(places.tolist(), piece.dataset.ids(own), strict=True):
                names[place] = f"{before}{name}"
        return names

    def domains(self, rows: Sequence[int] | AnyArray) -> list[str | None] | None:
        """See `Dataset.domains`; each dataset reads its own."""
        found: list[str | None] = [None] * len(rows)
        known = False
        for piece, places, own in self._by_piece(rows):
            domains = piece.dataset.domains(own)
            for place, domain in zip(places.tolist(), domains or (), strict=domains is not None):
                known, found[place] = True, domain
        return found if known else None

    def groups(self, rows: Sequence[int] | AnyArray) -> IntArray | None:
        """See `Dataset.groups`; None for images of a dataset without groups, as that dataset itself gives."""
        return super().groups(rows) if any(self._record(int(row)).group for row in rows) else None

    def read(self, row: int) -> bytes:
        """See `Dataset.read`."""
        dataset, own = self._at(row)
        return dataset.read(own)

    def encoded(self, row: int) -> Encoded:
        """See `Dataset.encoded`."""
        dataset, own = self._at(row)
        return dataset.encoded(own)

    def why_missing(self, row: int) -> str | None:
        """See `Dataset.why_missing`."""
        dataset, own = self._at(row)
        return dataset.why_missing(own)

    def _location(self, row: int) -> Location:
        return self.encoded(row).location

    def _decoder_of(self, row: int) -> Decoder:
        return self.encoded(row).decoder

    def shown_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """See `Dataset.shown_texts`; names of each dataset are hidden that hides its own."""
        for dataset in {id(piece.dataset): piece.dataset for piece in self._pieces}.values():
            texts = dataset.shown_texts(texts)
        return tuple(texts)

    @property
    def whole(self) -> Dataset:
        """See `Dataset.whole`."""
        return self._pieces[-1].dataset.whole

    @property
    def fitted(self) -> Dataset:
        """See `Dataset.fitted`."""
        return self.trained_on.dataset if self._is_scored_by_text and self.trained_on else self

    @property
    def _is_scored_by_text(self) -> bool:
        return self.trained_on is not None and not self.trained_on.classes

    def labels_to_fit(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """See `Dataset.labels_to_fit`."""
        if not self._is_scored_by_text:
            return self.labels(rows)
        return self.fitted.labels(self._own_rows[np.asarray(rows, dtype=np.int64)])

    def labels_to_draw(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """See `Dataset.labels_to_draw`: the same sample as on the source, unless several of its classes become one."""
        if self.trained_on is None or len(set(self.trained_on.classes.values())) < len(self.trained_on.classes):
            return self.labels_to_fit(rows)
        return self.trained_on.dataset.labels(self._own_rows[np.asarray(rows, dtype=np.int64)])

    @property
    def unlabelled_rows(self) -> IntArray:
        """See `Dataset.unlabelled_rows`: those of the piece that is in no split, or of train where there is none."""
        pool = [number for number, piece in enumerate(self._pieces) if piece.split is None]
        return np.flatnonzero(np.isin(self._piece_of, pool)).astype(np.int64) if pool else self.rows("train")

    @property
    def validates_on_target(self) -> bool:
        """See `Dataset.validates_on_target`."""
        return self._tested is None and super().validates_on_target

    def _kept_apart(self, test: IntArray) -> dict[str, IntArray]:  # noqa: ARG002
        """See `Dataset._kept_apart`; the pieces were taken when that was done."""
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """See `Dataset.fingerprint`: of the dataset that is tested, since results are results on it."""
        return fingerprint_of(self) if self._tested is None else self._tested.fingerprint

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """See `Dataset.notes`: on the dataset that is tested; those on the transfer are in `trained_on`."""
        return super().notes if self._tested is None else self._tested.notes
