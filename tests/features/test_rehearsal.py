"""Going through the motions: nothing is computed, what would be is counted, and stand-ins are like their class."""

import shutil
from pathlib import Path

import numpy as np

from tests.features.subjects import Folder, TinyEncoder, UnloadableEncoder
from workbench.features import CachedModel, FeatureStore, extract
from workbench.features.rehearsal import Rehearsal, rehearsing


def missing(rehearsal: Rehearsal) -> int:
    (images,) = rehearsal.images.values()
    return len(images.jobs)


def test_counts_what_an_extraction_then_computes(photos: Path, store: FeatureStore) -> None:
    shutil.copy(photos / "0001.jpg", photos / "copy.jpg")
    dataset, encoder = Folder(photos), TinyEncoder()
    extract(dataset, dataset.rows[:7], encoder, store)
    with rehearsing(Rehearsal()) as rehearsal:
        found = extract(dataset, dataset.rows, UnloadableEncoder(), store)
        extract(dataset, dataset.rows[5:], UnloadableEncoder(), store)
    assert found.readable.all()
    assert np.isfinite(found.features.pooled).all()
    assert found.computed == 0
    assert missing(rehearsal) == extract(dataset, dataset.rows, encoder, store).computed
    assert next(iter(rehearsal.images.values())).total == 23


def test_nothing_is_stored(dataset: Folder, store: FeatureStore, cache: Path) -> None:
    with rehearsing(Rehearsal()):
        extract(dataset, dataset.rows, UnloadableEncoder(), store, thumbnails=True)
        CachedModel(UnloadableEncoder(), store).encode_texts(["a leaf"])
    assert not cache.exists()


def test_stored_features_are_as_they_are(dataset: Folder, encoder: TinyEncoder, store: FeatureStore) -> None:
    real = extract(dataset, dataset.rows[:7], encoder, store).features
    with rehearsing(Rehearsal()):
        seen = extract(dataset, dataset.rows, UnloadableEncoder(), store).features
    np.testing.assert_array_equal(seen.pooled[:7], real.pooled)
    assert len(np.unique(seen.projected, axis=0)) == 23


def test_unreadable_images_stay_unreadable(photos: Path, encoder: TinyEncoder, store: FeatureStore) -> None:
    (photos / "bad.jpg").write_bytes(b"none")
    dataset = Folder(photos)
    bad = dataset.ids(dataset.rows).index("bad.jpg")
    extract(dataset, [bad], encoder, store)
    with rehearsing(Rehearsal()):
        seen = extract(dataset, dataset.rows, UnloadableEncoder(), store)
    assert np.flatnonzero(~seen.readable).tolist() == [bad]


def test_stand_ins_are_like_images_of_their_class() -> None:
    keys = np.arange(40, dtype=np.uint8)[:, None].repeat(32, axis=1)
    classes = np.repeat([0, 1], 20)
    found = np.arange(40) % 4 == 0
    rows = np.where(classes[:, None] == 0, -1.0, 1.0) * np.ones((40, 3))
    rows += np.random.default_rng(0).normal(size=rows.shape) * 0.01
    rows[~found] = np.nan
    rehearsal = Rehearsal({key.tobytes(): int(kind) for key, kind in zip(keys, classes, strict=True)})
    filled = rehearsal.stand_in(rows, found, keys)
    # Half of a column's spread is added, which is 1: the classes hardly meet.
    assert ((filled.mean(axis=1) > 0) == classes).all()


def test_texts_are_counted_once(encoder: TinyEncoder, store: FeatureStore) -> None:
    CachedModel(encoder, store).encode_texts(["an oak"])
    with rehearsing(Rehearsal()) as rehearsal:
        model = CachedModel(UnloadableEncoder(), store)
        assert model.encode_texts(["an oak", "a lime", "a lime"]).shape == (3, 5)
        model.encode_texts(["a lime"])
    assert rehearsal.texts == {encoder.fingerprint: {"a lime"}}
    assert rehearsal.known_texts == {encoder.fingerprint: {"an oak"}}
