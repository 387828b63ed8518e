import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.errors import ModelError
from workbench.models import Encoder, LoadedModel, open_model
from workbench.models._computing import computing
from workbench.settings import Settings

Tiny = Callable[[str], Path]


@pytest.fixture
def copied(tiny: Tiny, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny("vit"), tmp_path / "model"))


def open_copy(folder: Path, settings: Settings, precision: str = "fp32") -> Encoder:
    return open_model(f"local-dir:{folder}", settings.model_copy(update={"precision": precision}))


def test_a_second_opening_knows_everything_and_loads_nothing(copied: Path, settings: Settings) -> None:
    first = open_copy(copied, settings)
    assert first._loaded
    second = open_copy(copied, settings)
    assert not second._loaded
    for name in ("fingerprint", "embed_dim", "pooled_dim", "logit_scale", "logit_bias", "drift", "versions", "notice"):
        assert getattr(first, name) == getattr(second, name)
    assert (second.embed_dim, second.pooled_dim) == (24, 32)
    assert second.logit_scale == pytest.approx(1 / 0.07, rel=1e-5)
    second.encode_texts(["a cat"])
    assert second._loaded


def test_a_warm_opening_imports_no_heavy_library(copied: Path, settings: Settings) -> None:
    fingerprint = open_copy(copied, settings).fingerprint
    code = (
        "import sys; from workbench.models import open_model; from workbench.settings import Settings;"
        f"e = open_model({f'local-dir:{copied}'!r}, Settings(cache={str(settings.cache)!r}, device='auto',"
        " precision='fp32'));"
        "print(e.fingerprint, e.embed_dim, [m for m in ('torch', 'open_clip', 'timm', 'transformers', 'sklearn')"
        " if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split(maxsplit=2) == [fingerprint, "24", "[]\n"]


def test_the_bias_and_scale_of_siglip_are_known(tiny: Tiny, settings: Settings) -> None:
    encoder = open_model(f"local-dir:{tiny('timm-none')}", settings)
    assert encoder.logit_bias == -10
    assert encoder.logit_scale == pytest.approx(np.exp(2.0), rel=1e-5)
    assert encoder.pooled_dim == encoder.embed_dim


def test_features_are_float32_on_the_cpu_and_empty_requests_are_served(copied: Path, settings: Settings) -> None:
    encoder = open_copy(copied, settings, "bf16")
    features = encoder.encode_images(torch.randn(3, 3, 32, 32))
    assert features.pooled.dtype == features.projected.dtype == np.float32
    assert (features.pooled.shape, features.projected.shape) == ((3, 32), (3, 24))
    assert encoder.encode_texts([]).shape == (0, 24)


def test_texts_do_not_depend_on_their_company(tiny: Tiny, settings: Settings) -> None:
    texts = ["a", "a much longer sentence than the others.", "ab c", "a"] * 40
    for family in ("vit", "hf-text"):
        encoder = open_model(f"local-dir:{tiny(family)}", settings)
        together = encoder.encode_texts(texts)
        alone = np.concatenate([encoder.encode_texts([text]) for text in texts[:4]])
        np.testing.assert_allclose(together[:4], alone, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(together, np.tile(together[:4], (40, 1)), rtol=1e-4, atol=1e-5)
        loaded = encoder.load()
        untrimmed = loaded.text_features(loaded.tokenizer(texts[:4])).numpy()
        np.testing.assert_allclose(together[:4], untrimmed, rtol=1e-4, atol=1e-5)


def test_a_loaded_copy_is_private_frozen_and_in_eval_mode(copied: Path, settings: Settings) -> None:
    encoder = open_copy(copied, settings)
    before = encoder.encode_texts(["a cat"])
    loaded = encoder.load()
    assert not loaded.network.training
    assert not any(p.requires_grad for p in loaded.network.parameters())
    assert all(p.dtype == torch.float32 for p in loaded.network.parameters())
    with torch.no_grad():
        for parameter in loaded.network.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(encoder.encode_texts(["a cat"]), before)


def test_many_threads_load_the_network_once(copied: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    open_copy(copied, settings)
    encoder = open_copy(copied, settings)
    loads, together, load = [], threading.Barrier(4), encoder.load
    monkeypatch.setattr(encoder, "load", lambda device: loads.append(device) or load(device))

    def decode(_: int) -> torch.Tensor:
        together.wait()
        return encoder.preprocess(Image.new("RGB", (40, 30)))

    with ThreadPoolExecutor(4) as pool:
        assert {tuple(pixels.shape) for pixels in pool.map(decode, range(4))} == {(3, 32, 32)}
    assert loads == ["cpu"]


def change_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "open_clip_model.safetensors")
    state["visual.proj"][0, 0] += 1
    save_file(state, folder / "open_clip_model.safetensors")


def change_config(key: str, name: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "open_clip_config.json").read_text())
        config[key][name] = value
        (folder / "open_clip_config.json").write_text(json.dumps(config))

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_weights,
        change_config("preprocess_cfg", "mean", [0.1, 0.1, 0.1]),
        change_config("preprocess_cfg", "interpolation", "bilinear"),
        change_config("preprocess_cfg", "resize_mode", "longest"),
        change_config("model_cfg", "quick_gelu", False),
    ],
    ids=["weights", "mean", "interpolation", "resize", "activation"],
)
def test_what_changes_features_changes_the_fingerprint(
    change: Callable[[Path], None], copied: Path, settings: Settings
) -> None:
    before = open_copy(copied, settings).fingerprint
    change(copied)
    after = open_copy(copied, settings)
    assert after._loaded
    assert after.fingerprint != before


def test_another_tokenizer_is_another_model(tiny: Tiny, tmp_path: Path, settings: Settings) -> None:
    folder = Path(shutil.copytree(tiny("hf-text"), tmp_path / "model"))
    before = open_copy(folder, settings).fingerprint
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "do_lower_case": False}))
    assert open_copy(folder, settings).fingerprint != before


def test_what_does_not_change_features_keeps_the_fingerprint(copied: Path, tmp_path: Path, settings: Settings) -> None:
    before = open_copy(copied, settings)
    os.utime(copied / "open_clip_model.safetensors", ns=(1, 1))
    touched = open_copy(copied, settings)
    assert touched._loaded, "a changed time is reason to look again"
    assert touched.fingerprint == before.fingerprint
    moved = Path(copied.rename(tmp_path / "elsewhere"))
    assert open_copy(moved, settings).fingerprint == before.fingerprint


def test_weights_that_open_clip_would_prefer_are_noticed(copied: Path, settings: Settings) -> None:
    (copied / "open_clip_model.safetensors").rename(copied / "model.safetensors")
    before = open_copy(copied, settings).fingerprint
    shutil.copy(copied / "model.safetensors", copied / "open_clip_model.safetensors")
    change_weights(copied)
    assert open_copy(copied, settings).fingerprint != before


def test_each_precision_has_its_fingerprint(copied: Path, settings: Settings) -> None:
    exact, rounded = open_copy(copied, settings), open_copy(copied, settings, "bf16")
    assert exact.fingerprint != rounded.fingerprint
    assert not rounded._loaded, "what is known of one precision serves the other"
    pixels = torch.randn(2, 3, 32, 32)
    a, b = exact.encode_images(pixels).projected, rounded.encode_images(pixels).projected
    assert not np.array_equal(a, b)
    np.testing.assert_allclose(a, b, atol=0.1)


def noise(count: int) -> list[Image.Image]:
    return [Image.effect_noise((60, 50), 70 + i).convert("RGB") for i in range(count)]


def both(encoder: Encoder, images: list[Image.Image]) -> tuple[torch.Tensor, torch.Tensor]:
    """As the encoder takes them, and by its own transform."""
    reference = torch.stack([encoder.preprocess(image) for image in images])
    transform = encoder.pixel_transform
    if transform is None:
        return reference, reference
    return torch.stack([transform(np.array(image)) for image in images]).permute(0, 3, 1, 2), reference


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return 1 - torch.cosine_similarity(torch.from_numpy(a).double(), torch.from_numpy(b).double()).mean().item()


def test_the_costs_of_precision_and_preprocessing_are_measured_on_samples_and_remembered(
    copied: Path, settings: Settings
) -> None:
    exact, rounded = open_copy(copied, settings), open_copy(copied, settings, "bf16")
    assert exact.drift == 0
    assert (rounded.drift, rounded.pixel_drift, rounded.samples_needed) == (None, None, 8)
    pixels, reference = both(rounded, noise(8))
    rounded.compare(pixels, reference)
    of_pixels, of_reference = (exact.encode_images(batch).projected for batch in (pixels, reference))
    found = rounded.encode_images(pixels).projected
    assert rounded.drift == pytest.approx(distance(of_pixels, found), rel=1e-3)
    assert 0 < rounded.drift < 0.05
    assert rounded.pixel_drift is not None
    assert rounded.pixel_drift.mean == pytest.approx(distance(of_reference, of_pixels), rel=1e-3, abs=1e-9)
    assert rounded.pixel_drift.mean < 5e-4
    assert rounded.pixel_drift.levels in {1, 2}
    assert rounded.samples_needed == 0
    again = open_copy(copied, settings, "bf16")
    assert (again.drift, again.pixel_drift, again._loaded) == (rounded.drift, rounded.pixel_drift, None)
    np.testing.assert_allclose(again.encode_images(pixels).projected, found, atol=1e-6)


def test_fp32_weights_of_the_image_tower_are_let_go_of_once_nothing_is_compared_with_them(
    copied: Path, settings: Settings
) -> None:
    encoder = open_copy(copied, settings, "bf16")
    samples = both(encoder, noise(2))
    encoder.encode_images(samples[0])
    assert encoder._loaded is not None
    assert encoder._loaded.network.visual.conv1.weight.dtype == torch.float32
    encoder.compare(*samples)
    assert encoder._loaded.network.visual.conv1.weight.dtype == torch.bfloat16
    assert all(p.dtype == torch.float32 for p in encoder.load().network.parameters())
    again = open_copy(copied, settings, "bf16")
    again.encode_images(samples[0])
    assert again._loaded is not None
    assert again._loaded.network.visual.conv1.weight.dtype == torch.bfloat16


def test_preprocessing_by_reference_is_the_models_own_and_another_model_to_the_store(
    copied: Path, settings: Settings
) -> None:
    fast = open_copy(copied, settings)
    reference = open_copy(copied, settings.model_copy(update={"preprocessing": "reference"}))
    assert (fast.preprocessing, reference.preprocessing) == ("fast", "reference")
    assert fast.fingerprint != reference.fingerprint
    assert reference.pixel_transform is None
    assert reference.samples_needed == 0, "fp32 by the reference is the reference"
    pixels, floats = both(fast, noise(3))
    assert pixels.dtype == torch.uint8
    found, expected = fast.encode_images(pixels).projected, reference.encode_images(floats).projected
    assert distance(found, expected) < 5e-4
    with_bf16 = open_copy(copied, settings.model_copy(update={"preprocessing": "reference"}), "bf16")
    with_bf16.compare(*both(with_bf16, noise(2)))
    assert with_bf16.drift is not None
    assert open_copy(copied, settings, "bf16").samples_needed == 8, "that says nothing of fast preprocessing"


def test_a_transform_that_is_not_known_is_used_as_it_is(copied: Path, settings: Settings) -> None:
    change_config("preprocess_cfg", "interpolation", "bilinear")(copied)
    assert open_copy(copied, settings).preprocessing == "fast"
    own = LoadedModel(torch.nn.Identity(), lambda image: image, lambda texts: texts, (8, 8), (0.5,) * 3, (0.5,) * 3)
    assert own.pixel_transform is None
    with pytest.raises(TypeError, match="need a pixel_transform"):
        own.normalise(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_a_new_library_version_looks_again(copied: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_copy(copied, settings)
    monkeypatch.setattr("workbench.models.identity.version", lambda name: "99" if name == "timm" else "1")
    after = open_copy(copied, settings)
    assert after._loaded
    assert after.versions["timm"] == "99"
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize("damage", ["empty", "half", "scale", "older"])
def test_a_damaged_identity_is_said_and_made_anew(
    damage: str, copied: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = open_copy(copied, settings)
    (kept,) = (settings.cache / "models").glob("*.identity")
    data = kept.read_bytes()
    scale = f'"logit_scale": {before.logit_scale}'.encode()
    assert scale in data
    kept.write_bytes({"empty": b"", "half": data[: len(data) // 2], "scale": data.replace(scale, scale + b"1"),
                      "older": b'{"weights": []}'}[damage])  # fmt: skip
    again = open_copy(copied, settings)
    assert (again.fingerprint, again.logit_scale) == (before.fingerprint, before.logit_scale)
    assert "is damaged; it was moved aside" in caplog.text
    assert not open_copy(copied, settings)._loaded


def flip(path: Path, position: int) -> None:
    """One bit, with size and time as they were."""
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("family", ["vit", "hf-text"])
def test_a_bit_of_the_weights_that_changed_unseen_is_an_error(
    family: str, tiny: Callable[[str], Path], tmp_path: Path, settings: Settings
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny(family), folder)
    open_copy(folder, settings)
    flip(folder / "open_clip_model.safetensors", -5)
    with pytest.raises(ModelError, match=r"open_clip_model.safetensors has changed since it was hashed.*`touch`"):
        open_copy(folder, settings).encode_texts(["a"])


def test_a_part_of_the_cache_that_is_damaged_is_built_anew(offline: Settings, tmp_path: Path) -> None:
    settings = offline.model_copy(update={"cache": tmp_path / "cache"})
    shutil.copytree(offline.cache, settings.cache, ignore=shutil.ignore_patterns("*.identity"))
    before = open_model("offline-lite", settings)
    expected = before.encode_texts(["a cat"])
    flip(before.identity.weights[0].path, -5)
    after = open_model("offline-lite", settings)
    assert after.fingerprint == before.fingerprint
    np.testing.assert_array_equal(after.encode_texts(["a cat"]), expected)


@pytest.mark.parametrize(("name", "what"), [("visual.proj", "image"), ("text_projection", "text")])
def test_weights_of_zeros_are_refused(name: str, what: str, copied: Path, settings: Settings) -> None:
    from safetensors.torch import load_file, save_file

    path = copied / "open_clip_model.safetensors"
    weights = load_file(path)
    save_file({**weights, name: torch.zeros_like(weights[name])}, path)
    with pytest.raises(ModelError, match=f"its {what} features are zero; its weights are damaged or incomplete"):
        open_copy(copied, settings)


def test_words_that_change_places_make_another_model(
    tiny: Callable[[str], Path], tmp_path: Path, settings: Settings
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny("hf-text"), folder)
    before = open_copy(folder, settings)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    # Of no probe text: they are of letters that stand behind others only.
    rare = [word for word in ("##q", "##j") if word in vocabulary]
    vocabulary[rare[0]], vocabulary[rare[1]] = vocabulary[rare[1]], vocabulary[rare[0]]
    path.write_text(json.dumps(content))
    assert open_copy(folder, settings).fingerprint != before.fingerprint


def test_the_text_towers_own_settings_count(tiny: Callable[[str], Path], tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny("hf-text"), folder)
    before = open_copy(folder, settings)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden_act": "relu"}))
    assert open_copy(folder, settings).fingerprint != before.fingerprint


def test_a_cache_that_cannot_be_written_is_named(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"file/models/.*WORKBENCH_CACHE"):
        open_model(f"local-dir:{copied}", Settings(cache=tmp_path / "file", device="cpu", precision="fp32"))


def test_a_full_disk_leaves_no_half_identity(copied: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.models.identity import Identity

    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Identity, "model_dump_json", full)
    with pytest.raises(ModelError, match="No space left on device"):
        open_copy(copied, settings)
    assert list(settings.cache.rglob("*.identity")) == list(settings.cache.rglob("*.tmp")) == []


def test_fp32_on_cuda_means_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with computing("cpu", "fp32", autocast=True):
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.is_autocast_enabled("cpu")
    with computing("cpu", "bf16", autocast=True):
        assert torch.get_autocast_dtype("cpu") == torch.bfloat16
        assert torch.is_autocast_enabled("cpu")
    with computing("cpu", "bf16"):
        assert not torch.is_autocast_enabled("cpu")
    assert torch.backends.cudnn.allow_tf32
