import json
import shutil
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from workbench.errors import ModelError
from workbench.models import open_model
from workbench.models.checkpoints import build, find_files
from workbench.models.spec import parse_model
from workbench.settings import Settings

Tiny = Callable[[str], Path]


@pytest.fixture
def copied(tiny: Tiny, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny("vit"), tmp_path / "model ä"))


@pytest.fixture
def registered(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny ViT's configuration as an architecture of open_clip, `tiny-vit`, and its weights as a file."""
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", list(open_clip.factory._MODEL_CONFIG_PATHS))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", dict(open_clip.factory._MODEL_CONFIGS))
    config = json.loads((tiny("vit") / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "tiny-vit.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny-vit.json")
    return tiny("vit") / "open_clip_model.safetensors"


def test_features_are_those_of_stock_open_clip(tiny: Tiny, settings: Settings) -> None:
    name = f"local-dir:{tiny('timm-linear')}"
    network, transform = open_clip.create_model_from_pretrained(name)
    network.eval()
    tokenizer = open_clip.get_tokenizer(name)
    image = Image.effect_noise((90, 70), 60).convert("RGB")
    encoder = open_model(name, settings)
    torch.testing.assert_close(encoder.preprocess(image), transform(image), rtol=0, atol=0)
    with torch.inference_mode():
        expected = network.encode_image(transform(image)[None]).numpy()
        texts = network.encode_text(tokenizer(["a cat", "a dog"])).numpy()
    found = encoder.encode_images(encoder.preprocess(image)[None])
    torch.testing.assert_close(found.projected, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder.encode_texts(["a cat", "a dog"]), texts, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["vit", "resnet", "coca", "timm-mlp", "timm-attention", "hf-text"])
def test_no_random_weights_are_drawn_only_to_be_replaced(family: str, tiny: Tiny) -> None:
    folder = tiny(family)
    before = torch.get_rng_state()
    loaded = build(parse_model(f"local-dir:{folder}"))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(torch.rand(9), torch.zeros(9)), "outside of it, random numbers are random"
    state = load_file(folder / "open_clip_model.safetensors")
    torch.testing.assert_close(loaded.network.state_dict(), state, rtol=0, atol=0)


def test_weights_load_from_a_file_of_any_safe_kind(registered: Path, tmp_path: Path, settings: Settings) -> None:
    state = load_file(registered)
    torch.save(state, tmp_path / "plain.pt")
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "training.pt")
    for file in (registered, tmp_path / "plain.pt", tmp_path / "training.pt"):
        loaded = build(parse_model(f"tiny-vit@{file}"))
        torch.testing.assert_close(loaded.network.state_dict(), state, rtol=0, atol=0)
    assert open_model(f"tiny-vit@{registered}", settings).embed_dim == 24


def prefixed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{key}": value for key, value in state.items()}


def test_weights_load_as_training_leaves_them(registered: Path, tmp_path: Path) -> None:
    state = load_file(registered)
    left = {
        "compiled": prefixed(state, "_orig_mod."),
        "distributed": prefixed(state, "module._orig_mod."),
        "state": {"epoch": 3, "model_state_dict": prefixed(state, "module."), "optimizer": {"lr": 0.1}},
        "model": {"model": state, "step": 5},
        "lightning": {"state_dict": prefixed(state, "model."), "pytorch-lightning_version": "2.5"},
        "peft": prefixed(state, "base_model.model."),
    }
    for name, content in left.items():
        torch.save(content, tmp_path / f"{name}.ckpt")
        loaded = build(parse_model(f"tiny-vit@{tmp_path / name}.ckpt"))
        torch.testing.assert_close(loaded.network.state_dict(), state, rtol=0, atol=0)
    save_file(prefixed(state, "module."), tmp_path / "ddp.safetensors")
    loaded = build(parse_model(f"tiny-vit@{tmp_path / 'ddp.safetensors'}"))
    torch.testing.assert_close(loaded.network.state_dict(), state, rtol=0, atol=0)


def test_what_is_no_whole_network_is_named(registered: Path, tmp_path: Path) -> None:
    state = load_file(registered)
    key = next(iter(state))
    torch.save({"base_model.model.visual.x.lora_A.default.weight": torch.zeros(2, 2)}, tmp_path / "adapter.pt")
    with pytest.raises(ModelError, match=r"adapters of peft that were not merged, such as '.*lora_A"):
        build(parse_model(f"tiny-vit@{tmp_path / 'adapter.pt'}"))
    torch.save({"model": {**prefixed(state, "student."), key: state[key]}}, tmp_path / "student.pt")
    with pytest.raises(ModelError, match="do not fit the architecture"):
        build(parse_model(f"tiny-vit@{tmp_path / 'student.pt'}"))


def test_the_right_of_two_activations_is_built(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registered: Path
) -> None:
    config = json.loads((tiny("vit") / "open_clip_config.json").read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "two-vit-quickgelu", config)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "two-vit", {**config, "quick_gelu": False})
    pixels = torch.randn(1, 3, 32, 32)
    quick, exact = (
        build(parse_model(f"two-vit-{name}@{registered}")).image_features(pixels)[1] for name in ("quickgelu", "gelu")
    )
    assert not torch.allclose(quick, exact, atol=1e-4)
    torch.testing.assert_close(quick, build(parse_model(f"local-dir:{tiny('vit')}")).image_features(pixels)[1])
    with pytest.raises(ModelError, match="does not say its activation"):
        find_files(parse_model(f"two-vit@{registered}"))


class Payload:
    """What a malicious checkpoint does when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


def test_a_pickle_is_refused_and_not_run(copied: Path, tmp_path: Path, settings: Settings) -> None:
    (copied / "open_clip_model.safetensors").unlink()
    torch.save({"state_dict": Payload(tmp_path / "ran")}, copied / "open_clip_pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pickle.*convert it to safetensors"):
        open_model(f"local-dir:{copied}", settings)
    assert not (tmp_path / "ran").exists()


def test_code_from_the_hub_is_refused(copied: Path, settings: Settings) -> None:
    config = json.loads((copied / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"trust_remote_code": True}
    (copied / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="run code from the hub"):
        open_model(f"local-dir:{copied}", settings)


@pytest.mark.parametrize("beside", [True, False], ids=["beside the weights", "elsewhere"])
def test_a_text_tower_with_code_of_its_own_is_refused_without_asking(
    beside: bool, tiny: Tiny, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers asks on a terminal, and runs the code where the answer is yes."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asks"))
    folder = Path(shutil.copytree(tiny("hf-text"), tmp_path / "model"))
    own = folder if beside else tmp_path / "text"
    own.mkdir(exist_ok=True)
    (own / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (own / "config.json").write_text(
        json.dumps({"model_type": "nobody-knows", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}})
    )
    if not beside:
        (folder / "config.json").unlink()
        about = json.loads((folder / "open_clip_config.json").read_text())
        about["model_cfg"]["text_cfg"]["hf_model_name"] = str(own)
        (folder / "open_clip_config.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match=r"wants to run code.*that is refused"):
        open_model(f"local-dir:{folder}", settings)
    assert not (tmp_path / "ran").exists()


def test_weights_that_do_not_fit_are_named(registered: Path, settings: Settings) -> None:
    with pytest.raises(ModelError, match=r"RN50-gelu@.*do not fit the architecture"):
        open_model(f"RN50-gelu@{registered}", settings)
    config = open_clip.get_model_config("tiny-vit")
    config["vision_cfg"]["layers"] = 3
    open_clip.factory._MODEL_CONFIGS["tiny-vit"] = config
    with pytest.raises(ModelError, match=r"do not fit the architecture.*resblocks\.2"):
        open_model(f"tiny-vit@{registered}", settings)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "open_clip_config.json is not open_clip's"),
        ('{"model_cfg": {"embed_dim": 3}}', "'text_cfg'"),
        ("[1]", "open_clip_config.json is not open_clip's"),
    ],
)
def test_a_damaged_configuration_is_named(content: str, words: str, copied: Path, settings: Settings) -> None:
    (copied / "open_clip_config.json").write_text(content)
    with pytest.raises(ModelError, match=words):
        open_model(f"local-dir:{copied}", settings)


def test_a_folder_without_weights_is_not_initialised_at_random(copied: Path, settings: Settings) -> None:
    (copied / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no weights \(.safetensors, .bin, .pth\)"):
        open_model(f"local-dir:{copied}", settings)


def test_truncated_weights_are_an_error_of_the_model(copied: Path, settings: Settings) -> None:
    weights = copied / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="could not be built"):
        open_model(f"local-dir:{copied}", settings)


def test_a_text_tower_described_in_its_folder_loads_after_the_folder_moved(
    tiny: Tiny, tmp_path: Path, settings: Settings
) -> None:
    moved = shutil.copytree(tiny("hf-text"), tmp_path / "moved")
    config = json.loads((moved / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"] |= {"hf_model_name": "/nowhere", "hf_tokenizer_name": "/nowhere"}
    (moved / "open_clip_config.json").write_text(json.dumps(config))
    here, there = (open_model(f"local-dir:{folder}", settings) for folder in (tiny("hf-text"), moved))
    assert here.fingerprint == there.fingerprint
    torch.testing.assert_close(here.encode_texts(["a cat."]), there.encode_texts(["a cat."]))
