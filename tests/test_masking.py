"""No password and no token leaves the process."""

import pytest

from workbench.errors import DataError, WorkbenchError
from workbench.masking import masked
from workbench.tracking import Store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ann:s3cret@host/path", "https://ann:***@host/path"),
        ("postgresql+psycopg2://ann:p%40ss@db:5432/mlflow", "postgresql+psycopg2://ann:***@db:5432/mlflow"),
        ("mysql://ann:p@ss:w@db/x", "mysql://ann:***@db/x"),
        ("https://ghp_abcdef123@host/x", "https://***@host/x"),
        ("https://host/x?token=abc&page=2", "https://host/x?token=***&page=2"),
        ("s3://bucket/x?X-Amz-Signature=abc", "s3://bucket/x?X-Amz-Signature=***"),
        ("two: http://a:b@c and http://d:e@f", "two: http://a:***@c and http://d:***@f"),
        ("sqlite:////home/ann/runs/mlflow.db", "sqlite:////home/ann/runs/mlflow.db"),
        ("https://host:5000/path@2x.png", "https://host:5000/path@2x.png"),
        ("hf-hub:imageomics/bioclip-2 at 12:30", "hf-hub:imageomics/bioclip-2 at 12:30"),
        ("mail ann@example.org", "mail ann@example.org"),
    ],
)
def test_secrets_in_uris_are_masked_and_nothing_else(text, expected):
    assert masked(text) == expected


def test_secret_environment_variables_are_masked_wherever_they_stand(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "correct-horse")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:p%40ssword@host")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "parallel")
    monkeypatch.setenv("HF_TOKEN_PATH", "/home/ann/token")
    assert masked("login ann correct-horse p@ssword p%40ssword") == "login ann *** *** ***"
    assert masked("in parallel, from /home/ann/token") == "in parallel, from /home/ann/token"


def test_errors_and_stores_speak_without_passwords():
    uri = "https://ann:s3cret@host"
    assert str(WorkbenchError(f"{uri}: no answer")) == "https://ann:***@host: no answer"
    assert "s3cret" not in str(DataError(uri))
    store = Store(uri)
    assert (store.uri, store.name) == (uri, "https://ann:***@host")
