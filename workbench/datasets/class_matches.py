"""Which classes of one dataset are those of another: by name, by raw label, or as somebody says."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from workbench.errors import DataError
from workbench.registry import closest

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset

_SHOWN = 5


def match_classes(source: "Dataset", target: "Dataset", mapping: Mapping[str, str]) -> dict[str, str]:
    """Raw label of each class of the source that the target has, to the raw label that it has there.

    A class is the same where `mapping` says so; else where its name is; else where its raw label is, unless that is a
    number, which counts the classes of one dataset alone.

    Args:
        source: One dataset.
        target: The other.
        mapping: Name or raw label of classes of the source to those of the target; several may become one.

    Raises:
        DataError: The mapping names what is no class.
    """
    chosen = {
        _class_of(source, mine, "mapping"): _class_of(target, other, f"mapping, to which {mine!r} leads,")
        for mine, other in mapping.items()
    }
    by_name = dict(zip(target.class_names, target.class_keys, strict=True))
    matches = {}
    for key, name in zip(source.class_keys, source.class_names, strict=True):
        same_key = key if key in target.class_keys and not key.removeprefix("-").isdecimal() else None
        match = chosen.get(key) or by_name.get(name) or same_key
        if match is not None:
            matches[key] = match
    return matches


def check_same(source: "Dataset", target: "Dataset", matches: Mapping[str, str]) -> None:
    """Check that each class of either dataset has its counterpart.

    Raises:
        DataError: Some have none; it names them, and what can be done.
    """
    lone = {
        source.name: _names(source, set(source.class_keys) - matches.keys()),
        target.name: _names(target, set(target.class_keys) - set(matches.values())),
    }
    if not any(lone.values()):
        return
    parts = [f"{_listed(names)} of {name!r}" for name, names in lone.items() if names]
    hint = ""
    if all(lone.values()):
        hint = closest(lone[source.name][0], lone[target.name])
    raise DataError(
        f"transfer from {source.name!r} to {target.name!r}: the classes are not the same; without a counterpart are "
        f"{' and '.join(parts)}.{hint} In [[transfer]] say which are one in mapping, or classes = 'shared' to leave "
        "out those that only one has, or classes = 'text' for recipes that score by text."
    )


def _class_of(dataset: "Dataset", name: str, where: str) -> str:
    """The raw label of a class by its name or raw label."""
    by_name = dict(zip(dataset.class_names, dataset.class_keys, strict=True))
    if name not in by_name and name not in dataset.class_keys:
        raise DataError(
            f"[[transfer]] {where} names {name!r}, which is no class of {dataset.name!r}."
            f"{closest(name, dataset.class_names)} Its classes begin with {_listed(dataset.class_names)}."
        )
    return by_name.get(name, name)


def _names(dataset: "Dataset", keys: Iterable[str]) -> list[str]:
    wanted = set(keys)
    return [
        name for key, name in zip(dataset.class_keys, dataset.class_names, strict=True) if key in wanted
    ]  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = len(shown) - _SHOWN
    return ", ".join(map(repr, shown[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
