"""Faults between the workbench and a store, as messages for users."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.errors import WorkbenchError
from workbench.masking import masked

_LONGEST = 200
_KNOWN = (
    (r"refused", "the connection was refused"),
    (r"NameResolution|Name or service not known|nodename nor servname|getaddrinfo", "its host name is not known"),
    (r"CERTIFICATE|SSLError|SSL:", "its TLS certificate or connection cannot be used"),
    (r"timed out|[Tt]imeout", "no answer came in time"),
    (r"Network is unreachable|No route to host", "its network cannot be reached"),
    (r"RemoteDisconnected|Connection reset|Connection aborted|Broken pipe|IncompleteRead|ProtocolError",
     "it closed the connection without an answer"),
)  # fmt: skip


class StoreError(WorkbenchError):
    """A store cannot be reached, or refuses a request. Its data are not lost."""


class SpoolError(WorkbenchError):
    """Neither the store nor the spool took a run: to go on would compute what cannot be kept."""


def faults() -> tuple[type[Exception], ...]:
    """Exceptions that a store's client may raise; imports mlflow."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, OSError, StoreError  # Errors of `requests` are OSErrors.


def status_of(error: BaseException) -> int | None:
    """The HTTP status that a server answered with; None where there was no answer."""
    response = getattr(error, "response", None)
    if response is not None and getattr(response, "status_code", None):
        return int(response.status_code)
    text = str(error)
    if match := re.search(r"too many (\d{3}) error responses|failed with error code (\d{3})", text):
        return int(next(group for group in match.groups() if group))
    if hasattr(error, "error_code") and "API request to" not in text:
        return int(error.get_http_status_code())  # type: ignore[attr-defined]
    return None


def why(error: BaseException) -> str:
    """The cause, short, without passwords and without pages of HTML."""
    if isinstance(error, WorkbenchError):
        return str(error).rstrip(".")
    status, text = status_of(error), str(getattr(error, "message", None) or error)
    if status == 413:
        return "413, too large for the server"
    if status in {401, 403}:
        return f"{status}, user name, password or token not accepted"
    for pattern, words in _KNOWN:
        if status is None and re.search(pattern, text):
            return words
    if status is not None and "API request to" in text:
        return f"it answered with error {status}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    first = masked(re.sub(r"<[^>]*>", " ", text).strip().partition("\n")[0])
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]}..."


def is_down(error: BaseException) -> bool:
    """Whether the next request will fail as well; not where the server refused this one request."""
    if isinstance(error, WorkbenchError):
        return isinstance(error, StoreError)
    status = status_of(error)
    return status is None or status >= 500 or status in {408, 429}


@contextmanager
def answering(name: str) -> Iterator[None]:
    """Turn what a store raises inside of the block into one sentence.

    Args:
        name: The store's, masked.

    Raises:
        StoreError: The store raised something.
    """
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        if not isinstance(error, faults()):
            raise
        raise StoreError(f"{name}: the store does not answer as expected ({why(error)}).") from error
