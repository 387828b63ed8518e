"""A source that fails in a way of its own is said in one sentence, and stops nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

from workbench.datasets.sources._base import Location, Source
from workbench.errors import DataError, WorkbenchError
from workbench.texts import shown


@contextmanager
def blamed(kind: type[Source], doing: str) -> Iterator[None]:
    """Whatever is raised within, but an `OSError`, becomes a `DataError` that names the source.

    Args:
        kind: The source's class.
        doing: What failed, after "failed to".
    """
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:  # A plug-in may raise anything.
        reason = shown(f"{type(error).__name__}: {error}", 300)
        raise DataError(f"source {kind.__module__}:{kind.__qualname__} failed to {doing} ({reason}).") from error


def read_from(source: Source, location: Location) -> bytes:
    """`Source.read`; whatever it raises becomes a `DataError`."""
    try:
        with blamed(type(source), "read"):
            return source.read(location)
    except OSError as error:
        name = error.filename or location.file
        raise DataError(f"{name}: cannot be read ({error.strerror or error}).") from error
