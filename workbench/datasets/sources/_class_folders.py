"""Columns of a card that class sub-folders cannot have."""

from collections.abc import Iterator
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.errors import DataError

_KNOWN = {"image", "label", "labels"}


def refuse_columns(card: DatasetCard, root: Path) -> None:
    """Refuse a card that names columns which class sub-folders do not have; `label` is the folder, `image` the file.

    Args:
        card: The card.
        root: Its folder, which has no metadata file.

    Raises:
        DataError: Names the first such column and the key that names it.
    """
    key, column = next(_beyond_folders(card), (None, None))
    if key is not None:
        raise DataError(
            f"{root}: no column {column!r}, which {key} of the card {card.name!r} names: class sub-folders say the "
            f"label of an image and nothing else. Put a metadata.csv with the columns file_name, label and {column} "
            f"into the folder, or take {key} out of the card."
        )


def _beyond_folders(card: DatasetCard) -> Iterator[tuple[str, str]]:
    """(key, column) of every column that the card names and folders do not have."""
    for role, column in card.columns.model_dump(exclude=_KNOWN, exclude_none=True).items():
        for name in [column] if isinstance(column, str) else column:
            yield f"columns.{role}", name
    for name, language in card.languages.items():
        for role, column in language.columns.items():
            yield f"languages.{name}.columns.{role}", column
