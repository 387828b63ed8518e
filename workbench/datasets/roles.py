"""The source's names of splits as ours."""

from collections.abc import Collection, Sequence
from typing import Literal

from workbench.datasets.card_sources import SplitName
from workbench.datasets.card_tables import Splits
from workbench.errors import DataError

SplitChoice = Literal["train", "val", "test", "all"]
"""One of the splits, or all of them."""
ROLES: tuple[SplitName, ...] = ("train", "val", "test")
_USUAL: dict[str, SplitName] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


def role_of(name: str, splits: Splits | None = None, present: Collection[str] = ()) -> SplitName | None:
    """Which of our splits the source's split `name` is.

    What the card says comes first. Usual names (`validation`, `valid`, `dev`, `training`, ...) count for a split that
    the card leaves open, where the source has none of the default name.

    Args:
        name: The source's split.
        splits: The card's names; None means that all are left open.
        present: All split names of the source.
    """
    splits = splits or Splits()
    for role in sorted(ROLES, key=lambda role: role not in splits.model_fields_set):
        if getattr(splits, role) == name:
            return role
    usual = _USUAL.get(name.lower())
    if usual is None or usual in splits.model_fields_set or getattr(splits, usual) in present:
        return None
    return usual


def assign_roles(names: Sequence[str | None], splits: Splits, dataset: str) -> tuple[list[SplitName | None], list[str]]:
    """Our split for each image, None for one that is left out, and sentences about those.

    Args:
        names: The source's split of each image; None throughout means that the source has no splits: all is train.
        splits: The card's names.
        dataset: For messages.

    Raises:
        DataError: No image is in a split that the card names.
    """
    present = sorted({name for name in names if name is not None})
    if not present:
        return ["train"] * len(names), []
    role = {name: role_of(name, splits, present) for name in present}
    roles = [role[name] if name is not None else None for name in names]
    if not any(roles):
        card_names = ", ".join(f"{role_name} = {getattr(splits, role_name)!r}" for role_name in ROLES)
        raise DataError(
            f"dataset {dataset!r}: no image is in a split that the card names ({card_names}); "
            f"the source has {', '.join(map(repr, present))}. Say in [splits] which is which."
        )
    parts = [f"{names.count(name)} in split {name!r}" for name in present if role[name] is None]
    if parts:
        parts[-1] += ", to which the card gives no role"
    if None in names:
        parts.append(f"{names.count(None)} in no split")
    left = sum(role is None for role in roles)
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    notes = [f"{left} of {len(names)} images {'is' if left == 1 else 'are'} left out: {listed}."] if parts else []
    return roles, notes
