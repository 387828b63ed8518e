"""The promises of the feature store: concurrency, kills, corruption, growth, renames, changed models."""

import os
import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.features.subjects import Folder, TinyEncoder, UnloadableEncoder, add_photos
from workbench.errors import ModelError
from workbench.features import CachedModel, CacheError, FeatureStore, TextCache, cache_usage, extract, prune
from workbench.images import Features


def run_all(dataset, encoder, store, **options):
    return extract(dataset, dataset.rows, encoder, store, **options)


def script(cache, photos, body):
    """A process of its own that extracts from `photos` into `cache`."""
    text = (
        "from pathlib import Path\nfrom tests.features.subjects import Folder, TinyEncoder\n"
        "from workbench.features import FeatureStore, extract\n"
        f"d, e = Folder(Path({str(photos)!r})), TinyEncoder()\n"
        f"s = FeatureStore(Path({str(cache)!r}), shard_rows=4)\n{body}\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", text], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def shards(cache):
    return sorted((cache / "features").rglob("*.safetensors"))


def test_features_are_the_networks_own_in_the_order_asked_for(dataset, encoder, store):
    rows = np.array([7, 0, 22, 7])
    found = extract(dataset, rows, encoder, store)
    import torch

    from workbench.datasets.images import decode_image

    pixels = torch.stack([encoder.preprocess(decode_image(dataset.read(row))) for row in rows])
    expected = encoder.encode_images(pixels)
    np.testing.assert_allclose(found.features.projected, expected.projected, atol=1e-5)
    np.testing.assert_allclose(found.features.pooled, expected.pooled, atol=1e-5)
    assert found.computed == 3  # row 7 was asked for twice


def test_a_second_time_nothing_is_decoded_and_the_model_is_not_loaded(dataset, encoder, cache):
    first = run_all(dataset, encoder, FeatureStore(cache))
    for path in dataset.paths:
        path.unlink()
    second = run_all(dataset, UnloadableEncoder(), FeatureStore(cache))
    np.testing.assert_array_equal(first.features.pooled, second.features.pooled)
    assert second.computed == 0


def test_batch_size_and_workers_change_no_feature(dataset, tmp_path):
    found = [
        run_all(dataset, TinyEncoder(), FeatureStore(tmp_path / str(size)), batch_size=size, workers=workers)
        for size, workers in ((1, 1), (5, 3), (64, 2))
    ]
    for other in found[1:]:
        np.testing.assert_allclose(found[0].features.projected, other.features.projected, atol=1e-5)


def test_a_grown_dataset_computes_only_what_is_new(dataset, photos, encoder, store):
    run_all(dataset, encoder, store)
    add_photos(photos, 4, first=100)
    grown = run_all(Folder(photos), encoder, store)
    assert grown.computed == 4
    assert encoder.images_seen == 27


def test_a_renamed_file_costs_nothing(dataset, photos, encoder, store):
    before = run_all(dataset, encoder, store)
    dataset.paths[0].rename(photos / "zzz renamed é.png")
    after = run_all(Folder(photos), UnloadableEncoder(), store)
    np.testing.assert_array_equal(before.features.projected[0], after.features.projected[-1])


@pytest.mark.parametrize("changed", [{"precision": "bf16"}, {"size": 20}])
def test_another_precision_or_preprocessing_computes_all_anew(dataset, encoder, store, changed):
    run_all(dataset, encoder, store)
    assert run_all(dataset, TinyEncoder(**changed), store).computed == 23


def test_unreadable_images_leave_a_tombstone(photos, cache):
    (photos / "0003.png").write_bytes(b"no image at all")
    found = run_all(Folder(photos), TinyEncoder(), FeatureStore(cache))
    again = run_all(Folder(photos), UnloadableEncoder(), FeatureStore(cache))
    for result in (found, again):
        assert [name for name, _ in result.unreadable] == ["0003.png"]
        assert result.readable.sum() == 22
        assert np.isnan(result.features.pooled[3]).all()
    assert again.computed == 0


def test_a_missing_file_is_reported_and_tried_again(photos, cache):
    dataset = Folder(photos)
    saved = dataset.paths[5].read_bytes()
    dataset.paths[5].unlink()
    found = run_all(dataset, TinyEncoder(), FeatureStore(cache))
    assert found.unreadable[0][0] == dataset.paths[5].name
    dataset.paths[5].write_bytes(saved)
    assert run_all(dataset, TinyEncoder(), FeatureStore(cache)).readable.all()


@pytest.mark.parametrize("damage", ["flip", "truncate"])
def test_a_corrupt_shard_is_noticed_reported_and_computed_again(dataset, cache, damage):
    first = run_all(dataset, TinyEncoder(), FeatureStore(cache, shard_rows=4), batch_size=4)
    victim = shards(cache)[1]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0xFF
    victim.write_bytes(data if damage == "flip" else data[: len(data) // 2])
    second = run_all(dataset, TinyEncoder(), FeatureStore(cache, shard_rows=4))
    assert 0 < second.computed <= 4
    assert len(second.corrupt_shards) == 1
    np.testing.assert_allclose(first.features.projected, second.features.projected, atol=1e-6)
    assert run_all(dataset, UnloadableEncoder(), FeatureStore(cache)).computed == 0


def test_two_processes_write_at_once(photos, cache, encoder, tmp_path):
    processes = [script(cache, photos, "extract(d, d.rows, e, s, batch_size=2)") for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    found = run_all(Folder(photos), UnloadableEncoder(), FeatureStore(cache))
    alone = run_all(Folder(photos), encoder, FeatureStore(tmp_path / "alone"))
    np.testing.assert_allclose(found.features.projected, alone.features.projected, atol=1e-5)


@pytest.mark.slow
def test_killed_at_any_moment_what_was_committed_stays(photos, cache, encoder, tmp_path):
    body = (
        "import time\nreal = e.encode_images\n"
        "def slow(x):\n    time.sleep(0.03)\n    return real(x)\n"
        "e.encode_images = slow\nprint('go', flush=True)\nextract(d, d.rows, e, s, batch_size=2)"
    )
    rng, stored = random.Random(0), 0
    for _ in range(3):
        process = script(cache, photos, body)
        assert process.stdout.readline() == b"go\n"
        time.sleep(rng.uniform(0.02, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = FeatureStore(cache).images(encoder).find(Folder(photos).hashes(np.arange(23)))
        assert found.found.sum() >= stored
        stored = int(found.found.sum())
    last = run_all(Folder(photos), TinyEncoder(), FeatureStore(cache))
    alone = run_all(Folder(photos), TinyEncoder(), FeatureStore(tmp_path / "alone"))
    assert last.computed == 23 - stored
    assert last.corrupt_shards == []
    np.testing.assert_allclose(last.features.projected, alone.features.projected, atol=1e-5)


def test_no_space_is_one_sentence_and_loses_nothing(dataset, cache):
    half = dataset.rows[:10]
    extract(dataset, half, TinyEncoder(), FeatureStore(cache))
    before = shards(cache)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(CacheError, match=r"no space left.*WORKBENCH_CACHE"):
            run_all(dataset, TinyEncoder(), FeatureStore(cache))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert shards(cache) == before
    assert extract(dataset, half, UnloadableEncoder(), FeatureStore(cache)).computed == 0


def test_features_that_are_not_finite_name_image_and_precision(dataset, store):
    class Broken(TinyEncoder):
        def encode_images(self, pixels):
            found = super().encode_images(pixels)
            found.projected[2, 1] = np.nan
            return Features(found.pooled, found.projected)

    with pytest.raises(ModelError, match=r"0002\.jpg.*bf16.*--precision fp32"):
        run_all(dataset, Broken(precision="bf16"), store)


def test_progress_counts_what_is_computed(dataset, encoder, store):
    told = []
    run_all(dataset, encoder, store, batch_size=10, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 23), (10, 23), (20, 23), (23, 23)]


def test_texts_are_encoded_once_each(encoder, cache):
    first = TextCache(encoder, FeatureStore(cache)).encode(["a", "bb", "a"])
    assert encoder.texts_seen == ["a", "bb"]
    np.testing.assert_array_equal(first[0], first[2])
    model = CachedModel(encoder, FeatureStore(cache))
    np.testing.assert_array_equal(model.encode_texts(["bb", "ß"])[0], first[1])
    assert encoder.texts_seen == ["a", "bb", "ß"]
    assert model.encode_texts([]).shape == (0, 5)


def test_usage_and_pruning(dataset, cache):
    for encoder in (TinyEncoder(), TinyEncoder(name="other")):
        run_all(dataset, encoder, FeatureStore(cache))
    assert {(entry.model, entry.images) for entry in cache_usage(cache)} == {("tiny", 23), ("other", 23)}
    assert prune(cache, model="other", dry_run=True)
    assert len(cache_usage(cache)) == 2
    prune(cache, model="other")
    assert [entry.model for entry in cache_usage(cache)] == ["tiny"]
    assert run_all(dataset, UnloadableEncoder(), FeatureStore(cache)).computed == 0
