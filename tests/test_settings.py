"""Flags win over environment, environment over files; wrong values say where they came from."""

from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.settings import Settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("WORKBENCH_CACHE", "WORKBENCH_RUNS", "WORKBENCH_DATA", "WORKBENCH_DEVICE", "WORKBENCH_WORKERS"):
        monkeypatch.delenv(name, raising=False)


def test_order_of_sources(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text("device = 'cuda:1'\nworkers = 3\ndata = 'images'\n")
    monkeypatch.setenv("WORKBENCH_DEVICE", "cuda")
    found = Settings.load(tmp_path)
    assert (found.device, found.workers, found.data) == ("cuda", 3, tmp_path / "images")
    assert Settings.load(tmp_path, device="cpu").device == "cpu"


def test_pyproject_table_and_mlflow_variable(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.workbench]\nmax_unreadable = 0.2\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    found = Settings.load(tmp_path)
    assert (found.max_unreadable, found.tracking_uri) == (0.2, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("file", "environment", "flags", "message"),
    [
        ("device = 'gpu'", {}, {}, r"workbench\.toml: device"),
        ("", {"WORKBENCH_WORKERS": "many"}, {}, "WORKBENCH_WORKERS"),
        ("", {}, {"max_unreadable": 2.0}, "--max-unreadable"),
        ("devise = 'cpu'", {}, {}, r"workbench\.toml: devise"),
        ("device = ", {}, {}, "not valid TOML"),
    ],
)
def test_a_wrong_value_says_where_it_came_from(tmp_path: Path, monkeypatch, file, environment, flags, message):
    (tmp_path / "workbench.toml").write_text(file)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WorkbenchError, match=message):
        Settings.load(tmp_path, **flags)
