"""Shared fixtures: a tiny open_clip model, coloured images, settings in a temporary folder."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.settings import Settings

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200)}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the user's cache, runs or settings."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def _empty_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """MLflow's own empty store, which its migrations take seconds to make, made once a process."""
    from workbench.tracking.store import _make_tables

    made: list[Path] = []

    def store() -> Path:
        if not made:
            file = tmp_path_factory.mktemp("store") / "mlflow.db"
            _make_tables(f"sqlite:///{file}")
            made.append(file)
        return made[0]

    return store


@pytest.fixture(autouse=True)
def _stores_are_copied(monkeypatch: pytest.MonkeyPatch, _empty_store: Callable[[], Path]) -> None:
    monkeypatch.setattr(
        "workbench.tracking.store._make_tables",
        lambda uri: shutil.copyfile(_empty_store(), uri.removeprefix("sqlite:///")),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Everything below the test's own folder, in fp32."""
    return Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", precision="fp32", device="cpu")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model argument: a small randomly initialised open_clip ViT in hub layout."""
    import json

    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tiny-clip")
    config = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    torch.manual_seed(0)
    network = open_clip.CLIP(**config)
    save_file(
        {key: value.contiguous() for key, value in network.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    preprocess = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "size": 32,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    content = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    return f"local-dir:{folder}"


@pytest.fixture(scope="session")
def tiny_coca(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model argument: a small randomly initialised CoCa, whose captions end before they are full."""
    import json

    import torch
    from open_clip.coca_model import CoCa
    from safetensors.torch import save_file

    text = {"context_length": 30, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config = {
        "embed_dim": 32,
        "vision_cfg": {
            "image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "attentional_pool": True,
            "attn_pooler_heads": 2, "output_tokens": True,
        },
        "text_cfg": {**text, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": text,
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("tiny-coca")
    torch.manual_seed(0)
    network = CoCa(**config)
    torch.nn.init.normal_(network.text_decoder.text_projection)
    # The end must not be as unlikely as one in 49408.
    network.text_decoder.text_projection.data[:, 49407] *= 4
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    content = {"model_cfg": {**config, "custom_text": True}, "preprocess_cfg": {"size": 32}}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    return f"local-dir:{folder}"


@pytest.fixture(scope="session")
def write_colours() -> Callable[..., Path]:
    """Writes plainly coloured, noisy images in class sub-folders below train/, val/ and test/ of a folder."""

    def write(folder: Path, *, train: int = 6, val: int = 3, test: int = 8, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        for split, count in (("train", train), ("val", val), ("test", test)):
            for colour, rgb in COLOURS.items():
                (folder / split / colour).mkdir(parents=True, exist_ok=True)
                for i in range(count):
                    pixels = np.clip(np.array(rgb) + rng.normal(0, 30, (40, 40, 3)), 0, 255).astype(np.uint8)
                    Image.fromarray(pixels).save(folder / split / colour / f"{i}.png")
        return folder

    return write


@pytest.fixture
def make_colours(tmp_path: Path, write_colours: Callable[..., Path]) -> Callable[..., Path]:
    """`write_colours` into a folder of the test's own."""
    return lambda name="colours", **counts: write_colours(tmp_path / name, **counts)


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real MLflow server on loopback, with artifacts of its own."""
    from tests.mlflow_servers import serving

    root = tmp_path_factory.mktemp("mlflow-server")
    with serving(root, str(root / "artifacts")) as address:
        yield address
