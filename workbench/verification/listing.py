"""Which published numbers there are: those of installed packages, and those of files and folders."""

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from workbench.datasets.card_files import card_file, load_point
from workbench.errors import CardError, WorkbenchError
from workbench.registry import Registry, closest
from workbench.verification.expected import Expected, read_expected


def _to_expected(loaded: Any, point: EntryPoint) -> tuple[Expected, ...]:
    """An entry's value is the package that holds `NAME.toml`."""
    if not isinstance(loaded, list) or not loaded or not card_file(loaded, point.name).is_file():
        raise CardError(
            f"published numbers {point.name!r}: entry point {point.value!r} must name the package that holds "
            f"{point.name}.toml."
        )
    return read_expected(card_file(loaded, point.name))


registered: Registry[tuple[Expected, ...]] = Registry(
    "workbench.expected", "list of published numbers", _to_expected, load=load_point
)
"""Published numbers by the name of their list."""


def installed_expected() -> tuple[Expected, ...]:
    """The numbers of all installed packages.

    Raises:
        WorkbenchError: A list is damaged.
    """
    return tuple(expected for name in registered.names() for expected in registered.get(name))


def read_places(places: Iterable[Path]) -> tuple[Expected, ...]:
    """The numbers of files, and of folders with files `*.toml`.

    Raises:
        CardError: There is no such place, it holds no list, or a list is damaged.
    """
    found: list[Expected] = []
    for place in places:
        if place.is_dir():
            files = sorted(place.glob("*.toml"))
            if not files:
                raise CardError(f"--expected {place}: this folder holds no .toml file.")
        elif place.is_file():
            files = [place]
        else:
            raise CardError(f"--expected {place}: there is no such file or folder.")
        found += [expected for file in files for expected in read_expected(file)]
    return tuple(found)


def choose(
    expected: Sequence[Expected], models: Sequence[str] = (), datasets: Sequence[str] = ()
) -> tuple[Expected, ...]:
    """The numbers of some models and datasets; of all where none are named.

    Raises:
        WorkbenchError: There is no number of one of them; names the nearest.
    """
    for flag, values, known in (
        ("model", models, {each.model for each in expected}),
        ("dataset", datasets, {each.dataset for each in expected}),
    ):
        for value in values:
            if value not in known:
                hint = closest(value, known) or f" There are: {', '.join(sorted(known)) or 'none'}."
                raise WorkbenchError(f"no published number of {flag} {value!r} is known.{hint}")
    chosen = tuple(
        each for each in expected if (not models or each.model in models) and (not datasets or each.dataset in datasets)
    )
    if not chosen:
        raise WorkbenchError("no published number is of both these models and these datasets.")
    return chosen
