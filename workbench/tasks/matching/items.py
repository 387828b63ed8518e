"""Items of matching, read from the columns that a card names.

Matching takes one of these:

- `columns.negatives` beside `columns.caption`: the wrong texts of the image whose caption is right, as a text, a list,
  or a mapping from kind of change to a text or a list (each kind is then an item of its own);
- `columns.negatives` alone: a list of objects `{text, wrong, kind}`, each an item;
- `columns.label` beside `columns.caption`: the caption is true or false of the image (a statement);
- `columns.pair` beside `columns.caption`: rows with the same value are two images with a caption each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.arrays import AnyArray
from workbench.datasets.dataset import Dataset
from workbench.datasets.sources._columns import text
from workbench.errors import DataError
from workbench.tasks.choices.cells import cell, unfit
from workbench.tasks.matching.card import matching_card

_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


@dataclass(frozen=True)
class MatchingItem:
    """Texts about one image, or two images with their texts.

    Attributes:
        rows: The image's row; of a pair both.
        texts: The right text first; of a pair the texts of both images; of a statement the one text.
        truth: Whether a statement is true; True otherwise.
        kind: Kind of change, or empty.
    """

    rows: tuple[int, ...]
    texts: tuple[str, ...]
    truth: bool = True
    kind: str = ""


def matching_items(dataset: Dataset, rows: Sequence[int] | AnyArray) -> list[MatchingItem]:
    """The items of some rows, in their order; a pair stands where its first row does.

    Raises:
        DataError: A row lacks what its column must hold; names it.
    """
    form = matching_card(dataset).columns.form
    if form == "pairs":
        return list(_pairs(dataset, rows))
    make = _choices if form == "choice" else _statement
    captions = dataset.captions(rows)
    row_parts = zip(rows, dataset.ids(rows), captions, dataset.extra(rows), strict=True)
    return [
        item
        for row, name, row_captions, extra in row_parts
        for item in make(dataset, int(row), name, row_captions, extra)
    ]


def unanswerable(items: Sequence[MatchingItem]) -> list[MatchingItem]:
    """Items with a wrong text that equals the right one (of a pair, the other's): no model can get them right."""
    return [item for item in items if item.texts[0].strip() in {text.strip() for text in item.texts[1:]}]


def unanswerable_note(count: int, total: int) -> str:
    """A sentence about unanswerable items among all items of a test split."""
    return f"{count} of {total} test items have a wrong text that is also the right one; they always count as errors."


def rows_read_together(dataset: Dataset, rows: Sequence[int] | AnyArray) -> list[list[int]]:
    """Both rows of a pair, otherwise each row by itself."""
    columns = matching_card(dataset).columns
    column = columns.pair
    if column is None or columns.form != "pairs":
        return [[int(row)] for row in rows]
    groups: dict[str, list[int]] = {}
    for row, extra in zip(rows, dataset.extra(rows), strict=True):
        name = text(extra.get(column))
        groups.setdefault(f"row {row}" if name is None else f"pair {name}", []).append(int(row))
    return list(groups.values())


def _choices(
    dataset: Dataset, row: int, name: str, captions: Sequence[str], extra: Mapping[str, Any]
) -> Iterator[MatchingItem]:
    columns = matching_card(dataset).columns
    column = columns.negatives or ""
    wrong = cell(dataset, name, extra, column)
    kind = str(extra.get(columns.kind, "")) if columns.kind else ""
    if isinstance(wrong, list) and wrong and isinstance(wrong[0], Mapping):
        for item in wrong:
            if not item.get("text") or not item.get("wrong"):
                raise unfit(dataset, name, column, "objects with `text` and `wrong`", item)
            yield MatchingItem((row,), (str(item["text"]), *_texts(item["wrong"])), kind=str(item.get("kind", kind)))
        return
    if not captions:
        raise DataError(f"dataset {dataset.name!r}: {name} has wrong texts, but no caption to be the right one.")
    by_kind = wrong if isinstance(wrong, Mapping) else {kind: wrong}
    for change, texts in by_kind.items():
        if not _texts(texts):
            raise unfit(dataset, name, column, "at least one wrong text", texts)
        for caption in captions:
            yield MatchingItem((row,), (caption, *_texts(texts)), kind=str(change))


def _statement(
    dataset: Dataset, row: int, name: str, captions: Sequence[str], extra: Mapping[str, Any]
) -> Iterator[MatchingItem]:
    (label,) = dataset.manifest.records[row].labels[:1] or ("",)
    columns = matching_card(dataset).columns
    if label.lower() not in _TRUE | _FALSE:
        raise unfit(dataset, name, columns.label or "", "true or false", label)
    if not captions:
        raise DataError(f"dataset {dataset.name!r}: {name} has no statement in column {columns.caption!r}.")
    kind = str(extra.get(columns.kind, "")) if columns.kind else ""
    for caption in captions:
        yield MatchingItem((row,), (caption,), truth=label.lower() in _TRUE, kind=kind)


def _pairs(dataset: Dataset, rows: Sequence[int] | AnyArray) -> Iterator[MatchingItem]:
    groups = rows_read_together(dataset, rows)
    if any(len(members) != 2 for members in groups):
        # The error about such a pair needs all of its rows.
        mates = {row: group for group in rows_read_together(dataset, range(len(dataset))) for row in group}
        groups = [mates[members[0]] for members in groups]
    for members in groups:
        yield _pair(dataset, members)


def _pair(dataset: Dataset, members: Sequence[int]) -> MatchingItem:
    """The item of all rows of a pair."""
    columns = matching_card(dataset).columns
    column = columns.pair or ""
    ids, extras, captions = dataset.ids(members), dataset.extra(members), dataset.captions(members)
    pair = text(cell(dataset, ids[0], extras[0], column))
    if pair is None:
        raise unfit(dataset, ids[0], column, "what the two images of a pair share", pair)
    what = f"dataset {dataset.name!r}: pair {pair!r} in column {column!r}"
    splits = [dataset.manifest.records[row].split for row in members]
    if len(set(splits)) > 1:
        where = ", ".join(f"{name} in {split}" for name, split in zip(ids, splits, strict=True))
        raise DataError(f"{what} stands over several splits ({where}); its two images must be in the same.")
    if len(members) != 2:
        count = f"{len(members)} image{'s' if len(members) > 1 else ''} ({', '.join(ids[:5])})"
        raise DataError(f"{what} has {count}; expected two, each with a caption.")
    bare = next((name for name, texts in zip(ids, captions, strict=True) if not texts), None)
    if bare is not None:
        raise DataError(f"{what}: {bare} has no caption in column {columns.caption!r}; both of its images need one.")
    # Rows come by content hash; the order of ids makes one of a pair the first, whatever its bytes.
    first, second = sorted(range(2), key=lambda i: ids[i])
    kind = str(extras[first].get(columns.kind, "")) if columns.kind else ""
    return MatchingItem((members[first], members[second]), (captions[first][0], captions[second][0]), kind=kind)


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(str(item) for item in items if item)
