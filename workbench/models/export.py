"""Write a model as a checkpoint that the library which it came from loads: open_clip, or transformers."""

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from workbench._version import __version__
from workbench.errors import ModelError
from workbench.models.attention import merge_attention
from workbench.models.foreign.saving import save_pretrained
from workbench.models.foreign.towers import DualNetwork
from workbench.models.loaded import LoadedModel
from workbench.outputs import reason, system_error

if TYPE_CHECKING:
    from workbench.models.encoder import Encoder

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
_PROBES = ["a photo of a cat.", "An adapted model says the same after a round trip."]
_TOLERANCE = 1e-4
OPEN_CLIP = """import open_clip

model, preprocess = open_clip.create_model_from_pretrained("local-dir:{folder}")
model.eval()
tokenizer = open_clip.get_tokenizer("local-dir:{folder}")
"""
TRANSFORMERS = """from transformers import AutoModel, AutoProcessor

model = AutoModel.from_pretrained("{folder}").eval()
processor = AutoProcessor.from_pretrained("{folder}")
"""


def library_of(loaded: LoadedModel) -> Literal["open_clip", "transformers"]:
    """The library in whose layout `save_checkpoint` writes a model."""
    return "transformers" if isinstance(loaded.network, DualNetwork) else "open_clip"


def save_checkpoint(loaded: LoadedModel, directory: Path, base: "Encoder | None" = None) -> None:
    """Write a model in its library's layout, load it back with that library, and compare.

    Of transformers: what `save_pretrained` of the model, its image processor and its tokenizer write. Of open_clip:
    `open_clip_config.json`, `open_clip_model.safetensors`, a Hugging Face text tower's configuration and tokenizer.
    Both have a README.md. A text tower whose configuration came from a local folder refers to the new folder by
    its absolute path, since open_clip takes no other; the README says what to edit when the folder moves.

    Args:
        loaded: Adapters must have been merged into their layers; split attention is merged here, in place.
        directory: A folder without a checkpoint; made if it is not there.
        base: The model that it was fine-tuned from, for the README.

    Raises:
        ModelError: The model cannot be exported, the folder is taken or cannot be written, an adapter was not merged,
            or what the library loads gives other features.
    """
    if loaded.frozen_reason or not loaded.config:
        raise ModelError(f"this model cannot be exported: {loaded.frozen_reason or 'its configuration is not known'}.")
    if (directory / CONFIG).exists() or (directory / "config.json").exists():
        raise ModelError(f"{directory}: there is a checkpoint already; name a new or empty folder to export to.")
    merge_attention(loaded.network)
    before = _probe(loaded)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(loaded, directory, base)
    except Exception as raised:
        if (error := system_error(raised)) is None:
            raise
        size = sum(tensor.nbytes for tensor in loaded.network.state_dict().values())
        with contextlib.suppress(OSError):
            for name in (CONFIG, "config.json"):  # So that the same command may try again.
                (directory / name).unlink(missing_ok=True)
        raise ModelError(f"{directory}: the checkpoint could not be written: {reason(error, size)}.") from raised
    _verify(before, directory)


def _write(loaded: LoadedModel, directory: Path, base: "Encoder | None") -> None:
    from safetensors.torch import save_file

    if isinstance(loaded.network, DualNetwork):
        save_pretrained(loaded, loaded.network, directory)
        (directory / "README.md").write_text(_readme(directory, {}, base, TRANSFORMERS), encoding="utf-8")
        return

    model_cfg = json.loads(json.dumps(loaded.config))
    text_cfg = model_cfg["text_cfg"]
    parts: Any = loaded
    if text_cfg.get("hf_model_name"):
        parts.network.text.config.save_pretrained(directory)
    if text_cfg.get("hf_tokenizer_name"):
        parts.tokenizer.save_pretrained(directory)
    for key in ("hf_model_name", "hf_tokenizer_name"):
        if Path(text_cfg.get(key) or "").is_absolute():
            text_cfg[key] = str(directory.resolve())
    save_file(_tensors(loaded.network), directory / WEIGHTS, metadata={"format": "pt"})
    config = {"model_cfg": model_cfg, "preprocess_cfg": loaded.preprocess_config}
    (directory / CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
    (directory / "README.md").write_text(_readme(directory, text_cfg, base), encoding="utf-8")


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """The state, without two names for one memory, which safetensors refuses."""
    seen: set[int] = set()
    tensors = {}
    for name, value in network.state_dict().items():
        tensor = value.detach().cpu().contiguous()
        tensors[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return tensors


def _probe(loaded: LoadedModel) -> list[Tensor]:
    loaded.network.eval()
    device = next(loaded.network.parameters()).device
    pixels = torch.rand(2, 3, *loaded.image_size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        _, image = loaded.image_features(pixels.to(device))
        text = loaded.text_features(loaded.tokenizer(_PROBES).to(device))
    return [image.float().cpu(), text.float().cpu(), torch.tensor([loaded.logit_scale, loaded.logit_bias])]


def _verify(before: list[Tensor], directory: Path) -> None:
    from workbench.models.checkpoints import build
    from workbench.models.spec import parse_model

    after = _probe(build(parse_model(f"local-dir:{directory}")))
    for what, old, new in zip(("image features", "text features", "logit scale"), before, after, strict=True):
        error = float((old - new).abs().max() / old.abs().max().clamp_min(1e-12))
        # Written so that NaN fails too.
        if not error <= _TOLERANCE:
            raise ModelError(
                f"{directory}: loaded back, the exported model gives other {what} (relative difference {error:.1e}); "
                "do not use it."
            )


def _readme(directory: Path, text_cfg: dict[str, Any], base: "Encoder | None", usage: str = OPEN_CLIP) -> str:
    tag = f"base_model: {base.name.removeprefix('hf-hub:')}\n" if base and base.name.startswith("hf-hub:") else ""
    made_from = f" from `{base.name}`" if base else ""
    notice = f"\nThe base model is {base.notice}.\n" if base and base.notice else ""
    moved = (
        "\nThe text tower's configuration lies in this folder. open_clip finds it by the absolute path in\n"
        f"`{CONFIG}` (`text_cfg.hf_model_name`): edit it there when the folder moves.\n"
        if Path(text_cfg.get("hf_model_name") or "").is_absolute()
        else ""
    )
    library = "open_clip" if usage == OPEN_CLIP else "transformers"
    return f"""---
library_name: {library}
pipeline_tag: zero-shot-image-classification
{tag}---

# An adapted CLIP model

Adapted{made_from} with clip-workbench {__version__}. The licences of the base weights and of the data that they were
adapted to hold for these weights, too.
{notice}
```python
{usage.format(folder=directory.resolve())}```
{moved}"""
