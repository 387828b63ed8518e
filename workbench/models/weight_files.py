"""Weight files as training leaves them: wrapped in what a trainer saves, with the prefixes of its wrappers."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.errors import ModelError

_HOLDERS = ("state_dict", "model_state_dict", "model")
_WRAPPERS = re.compile(r"^(?:module\.|_orig_mod\.|model\.|base_model\.model\.)+")
"""Of DistributedDataParallel, torch.compile, Lightning and peft; no network of open_clip has a part of that name."""
_ADAPTER = re.compile(r"\.lora_[AB]\b|\.lora_embedding_[AB]\b|\.base_layer\.")


@contextmanager
def plain_weights(path: Path, name: str) -> Iterator[str]:
    """A file that open_clip reads: the one that is given, or one with the network's own names, for as long as needed.

    Unwrapped are `state_dict`, `model_state_dict` and `model`, and the prefixes `module.`, `_orig_mod.`, `model.` and
    `base_model.model.`, whatever their order.

    Args:
        path: safetensors, or what `torch.save` writes.
        name: The model argument, for the message.

    Raises:
        ModelError: It holds adapters of peft that were not merged.
    """
    state = _state(path)
    if state is None:
        yield str(path)
        return
    adapter = next((key for key in state if _ADAPTER.search(key)), None)
    if adapter is not None:
        raise ModelError(
            f"model {name!r}: {path} holds adapters of peft that were not merged, such as {adapter!r}; merge them "
            "(`merge_and_unload`) and save the state_dict of what that returns."
        )
    renamed = {_WRAPPERS.sub("", key): value for key, value in state.items()}
    if renamed.keys() == state.keys() and not _is_nested(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        plain = Path(folder) / "weights.pt"
        torch.save(renamed, plain)
        yield str(plain)


def _state(path: Path) -> dict[str, Tensor] | None:
    """The tensors by name; None where open_clip reads the file itself: plain names, a TorchScript archive, damage."""
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open
            from safetensors.torch import load_file

            with safe_open(path, framework="pt") as file:
                if not any(_WRAPPERS.match(key) or _ADAPTER.search(key) for key in file.keys()):  # noqa: SIM118
                    return None  # Its names are plain; there is no need to read it twice.
            state: dict[str, Tensor] = load_file(path)
            return state
        return _unwrapped(_loaded(path))
    except Exception:  # Whatever is wrong with it is found again when it is loaded in earnest, and said there.
        return None


def _is_nested(path: Path) -> bool:
    """Whether the tensors are in a dictionary within that open_clip would not look into."""
    if path.suffix == ".safetensors":
        return False
    content = _loaded(path)
    return "state_dict" not in content and not all(isinstance(value, Tensor) for value in content.values())


def _loaded(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return content


def _unwrapped(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    inner = next((content[key] for key in _HOLDERS if isinstance(content.get(key), Mapping)), content)
    tensors = {key: value for key, value in inner.items() if isinstance(key, str) and isinstance(value, Tensor)}
    return tensors or None
