"""Leftovers are found and nothing else; damage anywhere in the cache is named."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tests.features.subjects import TinyEncoder
from workbench.cli import main
from workbench.datasets import open_dataset
from workbench.features import FeatureStore, extract, remove
from workbench.files import checksum_of_file, write_atomically, write_sealed
from workbench.folders import make_once
from workbench.settings import Settings
from workbench.tracking import RunRecorder, open_store
from workbench.upkeep import damage, leftovers


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", device="cpu", precision="fp32")


@pytest.fixture
def full(settings: Settings, tmp_path: Path) -> Settings:
    """A cache with something of each kind."""
    from PIL import Image

    for i in range(12):
        path = tmp_path / "data" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (i, 0, 0)).save(path)
    dataset = open_dataset(str(tmp_path / "data"), settings)
    extract(dataset, range(12), TinyEncoder(), FeatureStore(settings.cache))
    make_once(settings.cache / "models" / "built-123", lambda folder: (folder / "weights").write_bytes(b"w" * 1000))
    make_once(settings.cache / "generated" / "set-123", lambda folder: (folder / "a.png").write_bytes(b"p" * 1000))
    index = settings.cache / "search" / "index.faiss"
    write_atomically(index, b"i" * 1000)
    write_sealed(index.with_suffix(".about"), json.dumps({"checksum": checksum_of_file(index)}).encode())
    return settings


def names(settings: Settings) -> set[str]:
    return {each.path.name for each in leftovers(settings)}


def age(path: Path) -> None:
    os.utime(path, (time.time() - 10_000,) * 2)


def test_a_cache_in_use_has_no_leftovers(full):
    plugins = full.cache / "models" / "my-plugin"  # They keep what they like there.
    plugins.mkdir()
    (plugins / "config.json").touch()
    assert leftovers(full) == []
    assert damage(full) == []


def test_what_kills_and_damage_left_goes_and_nothing_else(full):
    cache = full.cache
    remove(leftovers(full))
    before = sorted(cache.rglob("*"))
    for part in (cache / "models" / ".built-9.part", cache / "generated" / ".set-9.part"):
        part.mkdir()
        (part / "half").touch()
        age(part / "half")
        age(part)
    shutil.copytree(cache / "generated" / "set-123", cache / "generated" / "set-123.corrupt")
    for path in (cache / "manifests" / "x" / "old.parquet", cache / "models" / f"{'0a' * 12}.json",
                 cache / "search" / ".index-1.tmp", cache / "models" / "a.identity.corrupt"):  # fmt: skip
        path.parent.mkdir(exist_ok=True)
        path.touch()
        age(path)
    with FileLock(cache / "generated" / "set-8.lock"):
        being_made = cache / "generated" / ".set-8.part"
        being_made.mkdir()
        age(being_made)
        assert names(full) == {
            ".built-9.part", ".set-9.part", "set-123.corrupt", "old.parquet", f"{'0a' * 12}.json", ".index-1.tmp",
            "a.identity.corrupt",
        }  # fmt: skip
        remove(leftovers(full))
        assert names(full) == set()
    assert names(full) == {".set-8.part"}
    remove(leftovers(full))
    kept = [path for path in sorted(cache.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    assert kept == [path for path in before if path.is_file() and path.suffix != ".lock"]


def test_all_features_go_with_all_even_if_a_clock_went_back(full, monkeypatch, capsys):
    for folder in (full.cache / "features").iterdir():
        os.utime(folder / "model.json", (time.time() + 10_000,) * 2)
    for name, value in (("CACHE", full.cache), ("RUNS", full.runs)):
        monkeypatch.setenv(f"WORKBENCH_{name}", str(value))
    with pytest.raises(SystemExit) as ended:
        main(["cache", "prune", "--all"])
    assert ended.value.code == 0
    assert list((full.cache / "features").iterdir()) == []
    assert f"tiny fp32: 12 images, 0 texts  {full.cache / 'features'}" in capsys.readouterr().out
    assert (full.cache / "models" / "built-123" / "weights").exists()


def test_halves_of_runs_and_stores_are_found(settings, tmp_path):
    halves = [
        tmp_path / "tmp" / ".workbench-1",
        settings.runs / ".mlflow.db-abc",
        settings.runs / "spool" / ".workbench-2",
    ]
    for half in halves:
        half.mkdir(parents=True)
    assert names(settings) == set()
    for half in halves:
        age(half)
    assert names(settings) == {half.name for half in halves}


def test_artifacts_of_deleted_runs_are_found_and_those_of_others_left(settings, tmp_path):
    store = open_store(settings)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("a")
    recorders = {}
    for key in ("kept", "gone", "restorable", "not ours"):
        suite = "t" if key == "restorable" else "s"
        tags = {} if key == "not ours" else {"workbench.run_key": key}
        recorders[key] = RunRecorder.begin(store, suite, "r", {}, tags)
        recorders[key].finish({}, {}, tmp_path / "files")
    store.client.delete_run(recorders["gone"].run_id)  # As a process does that is killed before the artifacts go.
    store.client.delete_experiment(store.experiment("t"))
    assert names(settings) == set()  # It may be one that another process is just writing.
    for folder in (settings.runs / "artifacts").glob("*/*/artifacts"):
        age(folder)
    assert names(settings) == {recorders["gone"].run_id}


KINDS = (
    "features/*/*/*.safetensors",
    "models/built-123/weights",
    "generated/set-123/a.png",
    "generated/set-123/.inventory",
    "manifests/*/*.manifest",
    "search/*.about",
    "search/*.faiss",
)


@pytest.mark.parametrize("pattern", KINDS)
def test_a_flipped_bit_is_found_wherever_it_is(full, pattern):
    path = next(full.cache.glob(pattern))
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (sentence,) = damage(full)
    assert sentence.startswith(f"{path} is damaged")
    assert ("delete" in sentence) == (path.parent.name in {"built-123", "set-123"} and path.name != ".inventory")
    assert path.exists()
