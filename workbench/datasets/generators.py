"""The registered generators: functions of installed packages that write a dataset's files.

A card names one of them. It cannot name any other code: whoever shows or checks a card from elsewhere runs nothing that
was not installed on purpose.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import GeneratorSource
from workbench.errors import DataError, WorkbenchError
from workbench.registry import Registry

Generator = Callable[..., None]
"""Receives the folder to fill, and the card's `options` as keywords."""


def _is_callable(loaded: Any, point: EntryPoint) -> Generator:
    if not callable(loaded):
        raise DataError(f"generator {point.name!r}: {point.value} is not a function.")
    found: Generator = loaded
    return found


generators: Registry[Generator] = Registry("workbench.generators", "generator", _is_callable)
"""All installed generators."""


def generator_of(card: DatasetCard) -> Generator:
    """The generator that a card with a generator source names.

    Raises:
        DataError: The source is of another type, no installed package has a generator of that name, it cannot be
            imported, or the card names a module and a function, as cards of earlier versions did.
    """
    source = card.source
    if not isinstance(source, GeneratorSource):
        raise DataError(f"dataset {card.name!r}: source.type is {source.type!r}; only a 'generator' names one.")
    if ":" in source.call:
        raise DataError(
            f"dataset {card.name!r}: source.call {source.call!r} names a function, and a card cannot say which code is "
            "run; register the function of an installed package as an entry point of the group 'workbench.generators', "
            f"and write its name in the card{_registered_as(source.call)}."
        )
    try:
        return generators.get(source.call)
    except WorkbenchError as error:
        extra = (
            " The embedded datasets need the extra: pip install 'clip-workbench[quickstart]'."
            if isinstance(error.__cause__, ImportError)
            else ""
        )
        raise DataError(f"dataset {card.name!r}: {error}{extra}") from error


def _registered_as(value: str) -> str:
    """What to write instead, where the function is registered."""
    name = generators.name_of(value)
    return f": call = {name!r}" if name else ""
