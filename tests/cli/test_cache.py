"""`workbench cache`, where features are shared through an object store."""

import json

import pytest
from click.testing import CliRunner

from tests.features.subjects import Folder, TinyEncoder, UnloadableEncoder, add_photos
from workbench.cli._group import cli
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.settings import Settings

pytest_plugins = ("tests.object_stores",)
ROOT = "s3://study/features"


@pytest.fixture
def dataset(tmp_path):
    add_photos(tmp_path / "photos", 6)
    return Folder(tmp_path / "photos")


def test_features_are_published_listed_and_tidied(s3, tmp_path, dataset, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    for rows in (dataset.rows[:3], dataset.rows[3:]):
        extract(dataset, rows, TinyEncoder(), FeatureStore(tmp_path / "cache"))

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["cache", *arguments, "--features", ROOT])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "would send" in said("publish", "--dry-run", "--model", "tiny")
    assert said("publish", "--model", "other").strip() == "sent 0.0 MiB"
    assert "6 rows       2 shards  s3://study/features/" in said("publish")
    extract(dataset, dataset.rows[:1], TinyEncoder(name="more"), FeatureStore(tmp_path / "cache"))
    said("publish")
    (tiny,) = [entry for entry in json.loads(said("ls", "--shared", "--json")) if entry["model"] == "tiny"]
    assert (tiny["shards"], tiny["precision"]) == (2, "fp32")
    assert "2 shards  fp32   tiny" in said("ls", "--shared")
    assert "1 -> 1 commits  0 abandoned shards" in said("compact")
    reader = FeatureStore.of(Settings(cache=tmp_path / "other", features=ROOT))
    assert extract(dataset, dataset.rows, UnloadableEncoder(), reader).computed == 0


def test_doctor_tries_the_store(s3, tmp_path, dataset, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_FEATURES", ROOT)
    monkeypatch.setenv("WORKBENCH_PUBLISH_FEATURES", "true")
    extract(dataset, dataset.rows, TinyEncoder(), FeatureStore.of(Settings.load()))
    examined = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
    assert examined["facts"]["features"] == f"{ROOT} (1 model, 0.0 GiB)"
    monkeypatch.setenv("WORKBENCH_FEATURES", "s3://nowhere/features")
    examined = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
    assert any(problem.startswith("s3://nowhere/features: does not exist") for problem in examined["problems"])


def test_without_a_store_the_setting_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_FEATURES", raising=False)
    for command in ("publish", "compact"):
        result = CliRunner().invoke(cli, ["cache", command])
        assert isinstance(result.exception, WorkbenchError)
        assert "give --features ADDRESS" in str(result.exception)
