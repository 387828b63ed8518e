"""Texts that a tokenizer makes one are found, and no others."""

import numpy as np
import pytest

from workbench.features import CachedModel, FeatureStore
from workbench.models import open_model
from workbench.settings import Settings


@pytest.fixture(scope="module")
def model(tiny_model, tmp_path_factory):
    settings = Settings(cache=tmp_path_factory.mktemp("cache"), device="cpu", precision="fp32")
    return CachedModel(open_model(tiny_model, settings), FeatureStore(settings.cache))


def test_capitals_and_what_comes_after_the_last_token_are_dropped(model):
    long = "very " * 90
    model.encode_texts(["a photo of a Crane.", "a photo of a heron.", f"{long}north", f"{long}south"])
    model.encode_texts(["a photo of a crane."])
    pairs = {frozenset(pair) for pair in model.equal_texts()}
    assert pairs == {
        frozenset({"a photo of a Crane.", "a photo of a crane."}), frozenset({f"{long}north", f"{long}south"}),
    }  # fmt: skip


def test_features_say_it_however_many_texts_there_are(tiny_model, tmp_path, monkeypatch):
    """Against all pairs, with planted copies."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 16)).astype(np.float32)
    vectors[[10, 200]] = vectors[[50, 299]] * (1 + 1e-7)
    texts = [f"text {i}" for i in range(300)]
    model = CachedModel(open_model(tiny_model, Settings(cache=tmp_path, device="cpu")), FeatureStore(tmp_path))
    rows = dict(zip(texts, vectors, strict=True))
    monkeypatch.setattr(model._texts, "encode", lambda asked: np.stack([rows[text] for text in asked]))
    model.encode_texts(texts)
    assert {frozenset(pair) for pair in model.equal_texts()} == {
        frozenset({"text 10", "text 50"}), frozenset({"text 200", "text 299"}),
    }  # fmt: skip
