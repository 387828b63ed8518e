"""Write a network as a checkpoint in open_clip's hub layout, which stock open_clip loads by `local-dir:`."""

import copy
import json
from pathlib import Path
from typing import Any

from workbench.errors import ModelError
from workbench.models.loaded import LoadedModel

_WEIGHTS = "open_clip_model.safetensors"
_CONFIG = "open_clip_config.json"


def save_checkpoint(loaded: LoadedModel, folder: Path) -> None:
    """Write `open_clip_config.json`, `open_clip_model.safetensors` and what the text tower needs.

    A text tower from transformers is described by the folder itself, so such a checkpoint names its own place and must be
    written where it will stay.

    Args:
        loaded: A network with stock modules.
        folder: An existing folder.

    Raises:
        ModelError: The model has no form that open_clip could load.
    """
    from safetensors.torch import save_file

    if loaded.frozen_reason or not loaded.config:
        raise ModelError(f"the model cannot be exported: {loaded.frozen_reason or 'its configuration is not known'}.")
    config: dict[str, Any] = copy.deepcopy(loaded.config)
    text = config.get("text_cfg", {})
    if "hf_model_name" in text:
        place = str(folder.resolve())
        loaded.network.text.config.save_pretrained(place)  # type: ignore[union-attr,operator]
        loaded.tokenizer.tokenizer.save_pretrained(place)  # type: ignore[attr-defined]
        text |= {"hf_model_name": place, "hf_tokenizer_name": place, "hf_model_pretrained": False}
    weights = {key: value.detach().to("cpu").contiguous().clone() for key, value in loaded.network.state_dict().items()}
    save_file(weights, folder / _WEIGHTS, metadata={"format": "pt"})
    content = {"model_cfg": config, "preprocess_cfg": loaded.preprocess_config}
    (folder / _CONFIG).write_text(json.dumps(content, indent=2), encoding="utf-8")
