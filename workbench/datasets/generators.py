"""The registered generators: functions of installed packages that write a dataset's files.

A card names one of them. It cannot name any other code: whoever shows or checks a card from elsewhere runs nothing that
was not installed on purpose.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

from workbench.errors import DataError, MissingDataError, WorkbenchError
from workbench.registry import Registry

Generator = Callable[..., None]
"""Receives the folder to fill, and the card's `options` as keywords."""


def _is_callable(loaded: Any, point: EntryPoint) -> Generator:
    if not callable(loaded):
        raise DataError(f"generator {point.name!r}: {point.value} is not a function.")
    generator: Generator = loaded
    return generator


generators: Registry[Generator] = Registry("workbench.generators", "generator", _is_callable)
"""All installed generators."""


def generator_called(name: str, dataset: str) -> Generator:
    """The generator that a card names.

    Args:
        name: The value of the card's `source.call`.
        dataset: The card's name, for messages.

    Raises:
        DataError: No installed package has a generator of that name, it cannot be imported, or the card names a module
            and a function, as cards of earlier versions did.
    """
    if ":" in name:
        raise DataError(
            f"dataset {dataset!r}: source.call {name!r} names a function, and a card cannot say which code is "
            "run; register the function of an installed package as an entry point of the group 'workbench.generators', "
            f"and write its name in the card{_registered_as(name)}."
        )
    try:
        return generators.get(name)
    except WorkbenchError as error:
        if isinstance(error.__cause__, ImportError):
            raise MissingDataError(
                f"dataset {dataset!r}: {error} The embedded datasets need the extra: pip install "
                "'clip-workbench[quickstart]'."
            ) from error
        raise DataError(f"dataset {dataset!r}: {error}") from error


def _registered_as(value: str) -> str:
    """A hint at the registered name of the function."""
    name = generators.name_of(value)
    return f": call = {name!r}" if name else ""
