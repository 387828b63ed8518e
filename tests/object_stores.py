"""An S3 server of this process, for tests that name this module in `pytest_plugins`."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """An S3 server of this process."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def s3_environment(s3_server, tmp_path_factory) -> Iterator[S3FileSystem]:
    """That server as this process's S3."""
    nothing = str(tmp_path_factory.mktemp("s3") / "no-such-file")
    with pytest.MonkeyPatch.context() as patch:
        for key in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
            patch.delenv(key, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", s3_server)
        patch.setenv("AWS_ACCESS_KEY_ID", "alice")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not-so-secret")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", nothing)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)
        S3FileSystem.clear_instance_cache()
        yield S3FileSystem()
        S3FileSystem.clear_instance_cache()


@pytest.fixture
def s3(s3_environment) -> Iterator[S3FileSystem]:
    """An empty bucket `study` in it."""
    s3_environment.mkdir("study")
    yield s3_environment
    s3_environment.rm("study", recursive=True)


@pytest.fixture
def afresh(s3) -> Iterator[None]:
    """Later file systems are made from the environment as it is then; `s3` itself stays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3FileSystem, "_cache", {})
        yield
