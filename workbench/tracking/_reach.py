"""Whether a store that is not a local file answers, known within seconds."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.tracking.faults import StoreError, status_of, why

_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""MLflow's own are 120 s and 7 retries: a server that is down would be four minutes of silence."""
_DATABASE_SECONDS = 30.0  # A database may have to make its tables first.
_SEARCH = "/api/2.0/mlflow/experiments/search"


def be_impatient() -> None:
    """Set short time limits for MLflow's requests where the user has set none."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def check_server(uri: str) -> float:
    """Ask a store for its first experiment, without retries.

    Args:
        uri: Its tracking URI; that of an HTTP server or a database.

    Returns:
        Seconds that the answer took.

    Raises:
        StoreError: It does not answer within the time limit of one request, or not as an MLflow server does.
    """
    import mlflow  # noqa: F401 - loaded here, so that the time limit is the server's alone

    be_impatient()
    is_http = urlsplit(uri).scheme in {"http", "https"}
    patience = _request_seconds() + 1 if is_http else _DATABASE_SECONDS
    began = time.monotonic()
    within(patience, lambda: (_ask_http if is_http else _ask)(uri), uri)
    return time.monotonic() - began


def _request_seconds() -> float:
    value = os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
    try:
        return float(value)
    except ValueError as error:
        raise WorkbenchError(f"MLFLOW_HTTP_REQUEST_TIMEOUT: expected a number of seconds, got {value!r}.") from error


def within(seconds: float, ask: Callable[[], None], uri: str) -> None:
    """Run `ask` in a thread that is left behind: looking up a name, or an answer in drops, knows no time limit."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            ask()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise _fault(uri, f"no answer within {seconds:.0f} s")
    if raised:
        if isinstance(raised[0], StoreError):
            raise raised[0]
        raise _fault(uri, why(raised[0]), status_of(raised[0])) from raised[0]


def _ask_http(uri: str) -> None:
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    response: Any = http_request(
        get_default_host_creds(uri), _SEARCH, "POST", max_retries=0, raise_on_status=False, json={"max_results": 1}
    )
    if response.status_code != 200:
        words = "user name, password or token not accepted" if response.status_code in {401, 403} else "an error"
        raise _fault(uri, f"it answered {response.status_code}, {words}", response.status_code)
    try:
        if isinstance(response.json(), dict):
            return
    except ValueError:
        pass
    raise StoreError(
        f"{masked(uri)}: something answers there, but not as an MLflow server does; give the server's address."
    )


def _ask(uri: str) -> None:
    from mlflow import MlflowClient

    MlflowClient(tracking_uri=uri).search_experiments(max_results=1)


def _fault(uri: str, reason: str, status: int | None = None) -> StoreError:
    name = masked(uri)
    if status in {401, 403}:
        todo = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    elif status == 404:
        todo = "Give the address of an MLflow server, with the path that it is served under"
    else:
        todo = "Start it"
    return StoreError(
        f"{name}: the MLflow server does not answer as expected ({reason}). {todo}, or name another store with "
        "--tracking-uri or MLFLOW_TRACKING_URI; without either it is a local folder (WORKBENCH_RUNS, ./runs)."
    )
