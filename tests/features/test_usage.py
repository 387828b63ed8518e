import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.features.subjects import Folder, TinyEncoder, UnloadableEncoder
from workbench.features import FeatureStore, TextCache, cache_usage, extract, prune


def fill(cache: Path, dataset: Folder, encoder: TinyEncoder) -> Path:
    extract(dataset, dataset.rows, encoder, FeatureStore(cache))
    return cache / "features" / encoder.fingerprint


def age(folder: Path, days: float) -> None:
    used = time.time() - days * 86400
    os.utime(folder / "model.json", (used, used))


def test_an_empty_cache(cache: Path) -> None:
    assert cache_usage(cache) == []
    assert prune(cache, older_than=timedelta(0)) == []


def test_says_whose_features_take_how_much(cache: Path, dataset: Folder) -> None:
    encoder = TinyEncoder(precision="bf16")
    folder = fill(cache, dataset, encoder)
    TextCache(encoder, FeatureStore(cache)).encode(["a", "b"])
    (usage,) = cache_usage(cache)
    assert (usage.model, usage.precision, usage.fingerprint) == ("tiny", "bf16", encoder.fingerprint)
    assert (usage.images, usage.texts) == (23, 2)
    assert usage.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert datetime.now(UTC) - usage.last_used < timedelta(minutes=1)


def test_using_features_counts_as_use(cache: Path, dataset: Folder) -> None:
    age(fill(cache, dataset, TinyEncoder()), days=40)
    assert prune(cache, older_than=timedelta(days=30), dry_run=True)
    extract(dataset, dataset.rows, UnloadableEncoder(), FeatureStore(cache))
    assert prune(cache, older_than=timedelta(days=30), dry_run=True) == []


def test_prunes_by_age_and_by_fingerprint(cache: Path, dataset: Folder) -> None:
    old, new = TinyEncoder(name="old"), TinyEncoder(name="new")
    age(fill(cache, dataset, old), days=40)
    fill(cache, dataset, new)
    (gone,) = prune(cache, older_than=timedelta(days=30))
    assert gone.path.name == old.fingerprint
    assert [usage.model for usage in cache_usage(cache)] == ["new"]
    assert prune(cache, model="nothing") == []
    assert prune(cache, model=new.fingerprint[:8])
    assert cache_usage(cache) == []
    assert list((cache / "features").iterdir()) == []


def test_without_a_filter_only_leftovers_go(cache: Path, dataset: Folder) -> None:
    folder = fill(cache, dataset, TinyEncoder())
    corrupt = folder / "images-eval" / "0.safetensors.corrupt"
    stale = folder / "images-eval" / ".0.tmp"
    young = folder / "images-eval" / ".1.tmp"
    for path in (corrupt, stale, young):
        path.write_bytes(b"123")
    os.utime(stale, (1, 1))
    half_pruned = folder.parent / ".x.pruned-0"
    half_pruned.mkdir()
    assert {each.path for each in prune(cache)} == {corrupt, stale, half_pruned}
    assert young.exists()
    assert not half_pruned.exists()
    assert extract(dataset, dataset.rows, UnloadableEncoder(), FeatureStore(cache)).computed == 0
