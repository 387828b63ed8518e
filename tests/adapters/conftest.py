"""Small random dual encoders of every architecture that adapters meet, and a task of plainly coloured images."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.plugin import ClassificationTask, ClassPrompts, Features, ImageSet, LabelledImages, TaskModel

COLOURS = {"red": (200, 60, 60), "green": (60, 180, 60), "blue": (60, 80, 200)}
_TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
_TIMM = {"timm_model_pretrained": False, "timm_proj": "linear", "image_size": 32}
_ARCHITECTURES: dict[str, dict[str, Any]] = {
    "vit": {"vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}},
    "resnet": {"vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}},
    "efficientnet": {"vision_cfg": {**_TIMM, "timm_model_name": "test_efficientnet", "timm_pool": "avg"}},
    "convnext": {"vision_cfg": {**_TIMM, "timm_model_name": "test_convnext", "timm_pool": "avg"}},
    "timm-vit": {"vision_cfg": {**_TIMM, "timm_model_name": "test_vit", "timm_pool": ""}},
    "hf-text": {"vision_cfg": {**_TIMM, "timm_model_name": "test_efficientnet", "timm_pool": "avg"}},
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads only get in each other's way on networks this small."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Model argument of an architecture, randomly initialised, in open_clip's hub layout."""
    made: dict[str, str] = {}

    def make(name: str) -> str:
        if name not in made:
            made[name] = f"local-dir:{_write(name, tmp_path_factory.mktemp(name))}"
        return made[name]

    return make


def _write(name: str, folder: Path) -> Path:
    import torch
    from open_clip.model import CLIP, CustomTextCLIP
    from safetensors.torch import save_file

    text = _hf_text(folder) if name == "hf-text" else _TEXT
    config = {"embed_dim": 24, **_ARCHITECTURES[name], "text_cfg": text}
    custom = "timm_model_name" in config["vision_cfg"]
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = (CustomTextCLIP if custom else CLIP)(**config)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    content = {
        "model_cfg": {**config, "custom_text": custom},
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "size": 32, "interpolation": "bicubic"},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def _hf_text(folder: Path) -> dict[str, Any]:
    from transformers import BertConfig, BertTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "photo", "picture", "of", ".", *COLOURS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    ).save_pretrained(folder)
    return {
        "hf_model_name": str(folder), "hf_tokenizer_name": str(folder), "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler", "hf_proj_type": "linear", "context_length": 16,
    }  # fmt: skip


@pytest.fixture(scope="session")
def model(checkpoint: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TaskModel]:
    """The model of an architecture as a recipe gets it, in fp32; each is identified once."""
    from workbench.features import CachedModel, FeatureStore
    from workbench.models import open_model
    from workbench.settings import Settings

    settings = Settings(cache=tmp_path_factory.mktemp("cache"), precision="fp32", device="cpu")
    return lambda name: CachedModel(open_model(checkpoint(name), settings), FeatureStore(settings.cache))


@pytest.fixture
def colour_task() -> Callable[..., tuple[ClassificationTask, LabelledImages]]:
    """Builds a task with test images beside it."""

    def build(
        model: TaskModel,
        *,
        train: int | tuple[int, ...] = 6,
        val: int = 3,
        seed: int = 0,
        multi_label: bool = False,
        refit: bool = False,
    ) -> tuple[ClassificationTask, LabelledImages]:
        names = tuple(COLOURS)
        counts = train if isinstance(train, tuple) else (train,) * len(names)
        sets = [
            _labelled(model, own, multi_label, np.random.default_rng(i))
            for i, own in enumerate((counts, (val,) * len(names), (8,) * len(names)))
        ]
        task = ClassificationTask(
            dataset="colours", class_names=names, model=model, multi_label=multi_label, shots=None, seed=seed,
            prompts=ClassPrompts(names, ("a photo of a {}.", "a picture of a {}.")), train=sets[0], val=sets[1],
            device="cpu", refit=refit,
        )  # fmt: skip
        return task, sets[2]

    return build


def _labelled(model: TaskModel, counts: tuple[int, ...], multi_label: bool, rng: np.random.Generator) -> LabelledImages:
    labels = np.repeat(np.arange(len(counts)), counts)
    if multi_label:  # An image is one colour above and another, or the same, below.
        below = rng.integers(len(counts), size=len(labels))
        halves = np.stack([labels, below], axis=1)
        labels = (halves[..., None] == np.arange(len(counts))).any(axis=1)
    else:
        halves = np.stack([labels, labels], axis=1)
    pictures = [_picture(own, rng) for own in halves]

    def features() -> Features:
        import torch

        loaded = model.load()
        with torch.inference_mode():
            pixels = torch.stack([loaded.preprocess(picture) for picture in pictures])
            pooled, projected = loaded.image_features(pixels)
        return Features(pooled.numpy(), projected.numpy())

    return LabelledImages(ImageSet(len(pictures), features, pictures.__getitem__), labels)


def _picture(halves: "np.ndarray[Any, Any]", rng: np.random.Generator) -> Image.Image:
    values = np.repeat(np.array(list(COLOURS.values()))[halves], 20, axis=0)[:, None] + rng.normal(0, 25, (40, 48, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
