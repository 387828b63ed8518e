"""Check a dataset for faults: unreadable images, leaks between splits, empty classes, unfit items."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.cores import usable_cores
from workbench.datasets._check_pixels import is_blank, of_other_depth
from workbench.datasets._notes import caption_notes, divided_groups, idle_classes
from workbench.datasets.check_report import CheckReport, Copies, NearPair, Unreadable
from workbench.datasets.dataset import Dataset
from workbench.datasets.domains import count_domains, lacking_classes
from workbench.datasets.duplicates import Duplicates, find_duplicates, groups_of
from workbench.datasets.group_columns import column_notes
from workbench.datasets.languages import card_languages
from workbench.datasets.manifest import Progress
from workbench.datasets.opening import open_dataset, open_pictures
from workbench.datasets.roles import ROLES
from workbench.datasets.thumbnails import SIDE, thumbnail
from workbench.errors import DataError
from workbench.metrics.power import SmallestDifference, smallest_differences
from workbench.settings import Settings

_CHUNK = 256


@dataclass(frozen=True)
class _Look:
    """The findings from one image's bytes."""

    reason: str | None = None
    size: tuple[int, int] = (0, 0)
    kind: str = ""
    depth: str = ""
    thumbnail: AnyArray | None = None
    blank: bool = False


def check_in_all_languages(argument: str, settings: Settings, progress: Progress | None = None) -> CheckReport:
    """Open a dataset and check it, its items in every language of its card.

    Args:
        argument: A registered name, a card file, or a folder.
        settings: Give the cache and the data folder.
        progress: Called with (done, total) while images are decoded.

    Raises:
        WorkbenchError: The dataset does not exist, its data is missing, or contradicts its card.
    """
    dataset = open_pictures(argument, settings, despite_table=False)
    others = [open_dataset(argument, settings, language=language) for language in card_languages(dataset.card)[1:]]
    return check_dataset(dataset, progress, others=others)


def check_dataset(dataset: Dataset, progress: Progress | None = None, *, others: Sequence[Dataset] = ()) -> CheckReport:
    """Decode every image, compare the splits, and read all items of a task that has them.

    Args:
        dataset: The dataset.
        progress: Called with (done, total) while images are decoded.
        others: The dataset in further languages, whose items are read, too.
    """
    split = np.empty(len(dataset), dtype=object)
    for role in ROLES:
        split[dataset.rows(role)] = role
    ids = dataset.ids(range(len(dataset)))
    looks = _look_at_all(dataset, progress)
    readable = np.array([look.reason is None for look in looks], dtype=np.bool_)
    idle = idle_classes(dataset, readable)
    across, within, relabelled = _copies(dataset, ids, split, readable)
    duplicates = _duplicates(dataset, looks, readable, split)
    counts = {role: dataset.class_counts(role) for role in ROLES}
    seen = [look for look in looks if look.reason is None]
    items, *further = (part.card.item_faults(part) for part in (dataset, *others))
    # A fault that all languages share is listed once.
    unfit = dict.fromkeys(chain(items.unfit, *(faults.unfit for faults in further)))
    unanswerable = dict.fromkeys(chain(items.unanswerable, *(faults.unanswerable for faults in further)))
    return CheckReport(
        dataset=dataset.name,
        images={role: len(dataset.rows(role)) for role in ROLES},
        class_counts={
            role: dict(zip(dataset.class_names, count.tolist(), strict=True)) for role, count in counts.items()
        },
        unreadable=tuple(
            Unreadable(i, s, look.reason)
            for i, s, look in zip(ids, split, looks, strict=True)
            if look.reason is not None
        ),
        empty_classes=idle.empty,
        untrained_classes=idle.untrained,
        untested_classes=idle.untested,
        copies_across_splits=across,
        copies_with_other_labels=relabelled,
        copies_within_splits=within,
        near_duplicates=tuple(NearPair(ids[i], split[i], ids[j], split[j], alike) for i, j, alike in duplicates.pairs),
        near_duplicate_count=duplicates.pair_count,
        duplicate_groups=dict(
            zip(ids, groups_of(duplicates.component, dataset.group_names(range(len(dataset)))), strict=True)
        ),
        domains=count_domains(dataset),
        domains_lack=lacking_classes(dataset) if dataset.class_names else {},
        divided_groups=_divided(dataset),
        unfit_rows=tuple(unfit),
        unanswerable_items=tuple(unanswerable),
        boxes=items.boxes,
        boxes_beyond=tuple(items.boxes_beyond),
        widths=_spread([look.size[0] for look in seen]),
        heights=_spread([look.size[1] for look in seen]),
        formats=dict(Counter(look.kind for look in seen).most_common()),
        depths=dict(Counter(look.depth for look in seen).most_common()),
        other_depths=tuple(
            of_other_depth([(i, own.depth) for i, own in zip(ids, looks, strict=True) if not own.reason])
        ),
        blank=tuple(i for i, look in zip(ids, looks, strict=True) if look.blank),
        burned_in=tuple(_burned_in(dataset, ids)),
        grey_range=dataset.depths.range,
        smallest_differences=_smallest_differences(dataset),
        notes=(
            *dataset.notes,
            *column_notes(dataset, duplicates.match),
            *(note for other in others for note in caption_notes(other)),
        ),
    )


def _smallest_differences(dataset: Dataset) -> tuple[SmallestDifference, ...]:
    if dataset.card.multi_label or not dataset.card.labels_are_truth:
        return ()
    test = dataset.rows("test")
    test = test[dataset.labels(test) >= 0]  # Accuracy is of the known classes.
    return smallest_differences(len(test), dataset.groups(test) if len(test) else None)


def _look_at_all(dataset: Dataset, progress: Progress | None) -> list[_Look]:
    def look(row: int) -> _Look:
        try:
            size, kind, depth, (small, blank) = dataset.described(row, lambda own: (thumbnail(own), is_blank(own)))
            return _Look(None, size, kind, depth, small, blank)
        except DataError as error:
            return _Look(str(error))

    looks: list[_Look] = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(dataset), _CHUNK):
            looks += pool.map(look, range(start, min(start + _CHUNK, len(dataset))))
            if progress is not None:
                progress(len(looks), len(dataset))
    return looks


def _burned_in(dataset: Dataset, ids: Sequence[str]) -> list[str]:
    """Images whose file says that text is part of the pixels."""
    marked = {content for content, header in dataset.depths.headers.items() if header.burned_in}
    return [name for name, own in zip(ids, dataset.manifest.hashes, strict=True) if own.tobytes() in marked]


def _copies(
    dataset: Dataset, ids: Sequence[str], split: AnyArray, readable: BoolArray
) -> tuple[tuple[Copies, ...], int, tuple[Copies, ...]]:
    """Copies across splits, how many repeat within a split, and copies with different labels."""
    name = dataset.label_names
    labels = [", ".join(name[key] for key in record.labels) for record in dataset.manifest.records]
    across, relabelled, within = [], [], 0
    for rows in _repeated(dataset.hashes(np.arange(len(dataset))), readable):
        copies = Copies(tuple(ids[i] for i in rows), tuple(split[i] for i in rows), tuple(labels[i] for i in rows))
        if len(set(copies.splits)) > 1:
            across.append(copies)
        if len(set(copies.labels)) > 1 and dataset.card.labels_are_truth:
            relabelled.append(copies)
        within += len(rows) - len(set(copies.splits))
    return tuple(across), within, tuple(relabelled)


def _repeated(hashes: AnyArray, readable: BoolArray) -> Iterator[list[int]]:
    """Positions of equal readable rows, where there are two or more.

    Files that are no images are often equal (a server's message in place of each), which is no leak; and zeros stand
    for contents that could not be read when the dataset was listed.
    """
    _, code, count = np.unique(hashes, axis=0, return_inverse=True, return_counts=True)
    code = code.reshape(-1)
    order = np.argsort(code, kind="stable")
    order = order[(count[code[order]] > 1) & readable[order] & hashes[order].any(axis=1)]
    cuts = np.flatnonzero(np.diff(code[order])) + 1
    if len(order):
        yield from (part.tolist() for part in np.split(order, cuts))


def _duplicates(dataset: Dataset, looks: Sequence[_Look], readable: BoolArray, split: AnyArray) -> Duplicates:
    blank = np.zeros(SIDE * SIDE, dtype=np.uint8)
    small = np.stack([blank if look.thumbnail is None else look.thumbnail for look in looks])
    codes = np.array([-1 if role is None else ROLES.index(role) for role in split])
    return find_duplicates(dataset.hashes(np.arange(len(dataset))), small, readable & (codes >= 0), codes)


def _divided(dataset: Dataset) -> dict[str, dict[str, int]]:
    counts = {role: Counter(dataset.group_names(dataset.rows(role))) for role in ROLES}
    return {
        name: {role: counts[role][name] for role in ROLES if counts[role][name]} for name in divided_groups(dataset)
    }


def _spread(values: Sequence[int]) -> tuple[int, int, int] | None:
    return (min(values), int(np.median(values)), max(values)) if values else None
