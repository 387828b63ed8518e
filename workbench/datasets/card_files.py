"""Files of cards: where those of registered datasets are, and their values, with those of a card that one extends."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import CardError, UnknownNameError
from workbench.inputs import parse_toml, read_text
from workbench.registry import Registry

EXTENDS = "extends"
"""The key by which a card names another whose values hold where it says nothing."""
_PLACES = ("path", "root")  # Keys of [source] that may be relative to a card's folder.


def load_point(point: EntryPoint) -> Any:
    """The folders of a package, without importing it; an attribute of a module is imported."""
    if point.attr:
        return point.load()
    spec = find_spec(point.module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {point.module!r}", name=point.module)
    return [Path(place) for place in spec.submodule_search_locations or ()]


def card_file(folders: list[Path], name: str) -> Path:
    """The file of a card: in the first of a package's folders that has it."""
    file = f"{name}.toml"
    return next((folder / file for folder in folders if (folder / file).is_file()), folders[0] / file)


def _to_file(loaded: Any, point: EntryPoint) -> Path | None:
    if isinstance(loaded, list) and loaded:
        return card_file(loaded, point.name)
    return Path(loaded) if isinstance(loaded, str | Path) else None


card_paths: Registry[Path | None] = Registry("workbench.datasets", "dataset", _to_file, load=load_point)
"""The file of each registered card; None for a card written in Python."""


def card_values(path: Path) -> dict[str, Any]:
    """The values of a card file. With `extends`, those of another card hold where it says nothing.

    `extends` is the name of a registered dataset, or a card file (`.toml`), relative to the folder of this one. Tables
    are merged key by key, everything else is replaced; an empty text takes the other card's value out, and a `[source]`
    of another type replaces the whole table. Relative paths in a `[source]` start from the card that has them.

    Raises:
        CardError: A file cannot be read or is no TOML, there is no such card, or cards extend one another in a circle.
    """
    return _values(path, ())


def _values(path: Path, extending: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in extending:
        raise CardError(f"{extending[0]}: {EXTENDS}: {path.name} extends itself, by way of other cards or directly.")
    values = parse_toml(read_text(path, CardError), str(path), CardError)
    return _extended(values, path, (*extending, path.resolve()))


def _extended(values: Mapping[str, Any], path: Path, extending: tuple[Path, ...]) -> dict[str, Any]:
    own = dict(values)
    name = own.pop(EXTENDS, None)
    if name is None:
        return own
    base = _base_file(name, path)
    inherited = _values(base, extending)
    inherited.pop("name", None)
    source = inherited.get("source")
    if isinstance(source, dict):
        inherited["source"] = _anchored(source, base.parent, path.parent)
        own_source = own.get("source")
        if isinstance(own_source, dict) and own_source.get("type", source.get("type")) != source.get("type"):
            del inherited["source"]
    return _merged(inherited, own)


def _base_file(name: object, path: Path) -> Path:
    if not isinstance(name, str) or not name:
        raise CardError(f"{path}: {EXTENDS}: expected the name of a dataset or a card file (.toml), got {name!r}.")
    if name.endswith(".toml"):
        return path.parent / Path(name).expanduser()
    try:
        file = card_paths.get(name)
    except UnknownNameError as error:
        raise CardError(f"{path}: {EXTENDS}: {error} A card file (.toml) works, too.") from error
    if file is None:
        raise CardError(f"{path}: {EXTENDS}: dataset {name!r} has no card file, since its card is written in Python.")
    return file


def _anchored(source: Mapping[str, Any], base: Path, folder: Path) -> dict[str, Any]:
    """A table `[source]` whose relative paths are those of files beside another card."""
    if base.resolve() == folder.resolve():
        return dict(source)

    def anchor(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: anchor(part) for key, part in value.items()}
        there = isinstance(value, str) and "://" not in value and not Path(value).is_absolute()
        return str((base / value).resolve()) if there and (base / value).exists() else value

    return {key: anchor(value) if key in _PLACES else value for key, value in source.items()}


def _merged(inherited: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(inherited)
    for key, value in own.items():
        before = merged.get(key)
        if value == "" and before is not None:
            del merged[key]
        else:
            merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged
