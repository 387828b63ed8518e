"""Report any failure of a source's code in one sentence, so that it stops nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

from workbench.datasets.sources._base import Location, Source
from workbench.errors import DataError, WorkbenchError
from workbench.texts import shown


@contextmanager
def blamed(source_class: type[Source], action: str) -> Iterator[None]:
    """Turn any exception but an `OSError` into a `DataError` that names the source.

    Args:
        source_class: The source's class.
        action: The words after "failed to".
    """
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:  # A plug-in may raise anything.
        reason = shown(f"{type(error).__name__}: {error}", 300)
        raise DataError(
            f"source {source_class.__module__}:{source_class.__qualname__} failed to {action} ({reason})."
        ) from error


def read_from(source: Source, location: Location) -> bytes:
    """`Source.read`, with every exception as a `DataError`."""
    try:
        with blamed(type(source), "read"):
            return source.read(location)
    except OSError as error:
        name = error.filename or location.file
        raise DataError(f"{name}: cannot be read ({error.strerror or error}).") from error
