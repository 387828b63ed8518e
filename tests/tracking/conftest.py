"""What tests of stores share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracking.servers import FakeMlflow, serving
from workbench.tracking import Store


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMlflow]:
    """A small MLflow server that can be told to fail; nobody waits for it longer than a second."""
    import mlflow  # noqa: F401 - takes seconds, which no test of time limits should count

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with serving() as running:
        yield running


@pytest.fixture
def store(server: FakeMlflow, tmp_path: Path) -> Store:
    """The store of that server, with a password in its address."""
    return Store(server.uri.replace("//", "//ann:s3cretive@"), runs=tmp_path / "runs")
