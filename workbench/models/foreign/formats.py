"""What a folder or a repository of the hub holds: a model of open_clip, of transformers or of timm."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import ModelError
from workbench.inputs import parse_json, read_text
from workbench.models.spec import ModelSpec
from workbench.texts import shown

if TYPE_CHECKING:
    from workbench.models.loaded import LoadedModel

Library = Literal["transformers", "timm"]

OPEN_CLIP = "open_clip_config.json"
_CONFIG = "config.json"
_ADAPTER = "adapter_config.json"
_WEIGHTS = (".safetensors", ".bin", ".pth", ".pt")
DESCRIPTIONS = (".json", ".txt", ".model", ".tiktoken")
"""Suffixes of configurations and tokenizers."""


@dataclass(frozen=True)
class ForeignModel:
    """A model that another library than open_clip loads.

    Attributes:
        spec: The model argument, taken apart.
        library: `transformers` or `timm`.
        folder: Its files; None for a name of timm's, whose weights timm fetches.
    """

    spec: ModelSpec
    library: Library
    folder: Path | None

    def config(self) -> dict[str, Any]:
        """Content of `config.json`; empty where there is no folder."""
        return {} if self.folder is None else read_config(self.folder / _CONFIG)

    def weights(self) -> list[Path]:
        """Weight files: safetensors where there are any, as both libraries prefer them.

        Raises:
            ModelError: There are none.
        """
        if self.folder is None:
            from workbench.models.foreign.timm_tower import fetched

            return [fetched(self.spec)]
        for suffix in _WEIGHTS:
            found = sorted(path for path in self.folder.glob(f"*{suffix}") if path.is_file())
            if found:
                return found
        raise ModelError(
            f"model {self.spec.argument!r}: {self.folder} holds no weights (model.safetensors or pytorch_model.bin)."
        )

    def descriptions(self) -> list[Path]:
        """Configuration and tokenizer."""
        if self.folder is None:
            return []
        return sorted(path for path in self.folder.iterdir() if path.suffix in DESCRIPTIONS)

    def build(self) -> "LoadedModel":
        """The network, fp32, on the CPU, in eval mode, frozen.

        Raises:
            ModelError: It cannot be built, or is not one that gives image features.
        """
        if self.library == "timm":
            from workbench.models.foreign import timm_tower

            return timm_tower.build(self)
        from workbench.models.foreign import transformers_model

        return transformers_model.build(self)


def foreign(spec: ModelSpec) -> ForeignModel | None:
    """What a model argument names, if open_clip does not load it; a hub id is looked for in the local cache first.

    Raises:
        ModelError: A folder holds nothing that is known, or an adapter without its base.
    """
    if spec.kind == "timm":
        return ForeignModel(spec, "timm", None)
    if spec.kind == "directory":
        return _in_folder(spec, Path(spec.source))
    if spec.kind == "hub":
        folder = _from_hub(spec)
        return None if folder is None else _in_folder(spec, folder)
    return None


def read_config(path: Path) -> dict[str, Any]:
    """A `config.json`; raises `ModelError` where it is damaged or no object."""
    config = parse_json(read_text(path, ModelError), str(path), ModelError)
    if not isinstance(config, dict):
        raise ModelError(f"{path}: expected an object, as transformers and timm write it.")
    return config


def _in_folder(spec: ModelSpec, folder: Path) -> ForeignModel | None:
    """None for open_clip's layout, and for folders that its own reader is to speak about."""
    if (folder / OPEN_CLIP).is_file():
        return None
    if not folder.is_dir():
        raise ModelError(f"model {spec.argument!r}: {folder} is not a folder; a weight file is written ARCH@FILE.")
    if (folder / _CONFIG).is_file():
        config = read_config(folder / _CONFIG)
        if "pretrained_cfg" in config or ("architecture" in config and "model_type" not in config):
            return ForeignModel(spec, "timm", folder)
        if "model_type" in config:
            return ForeignModel(spec, "transformers", folder)
    if (folder / _ADAPTER).is_file():
        base = read_config(folder / _ADAPTER).get("base_model_name_or_path") or "its base"
        raise ModelError(
            f"model {spec.argument!r}: {folder} holds an adapter of peft for {base}, and no whole model; merge it "
            "first (`merge_and_unload`, `save_pretrained`)."
        )
    held = ", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "nothing"
    raise ModelError(
        f"model {spec.argument!r}: {folder} holds no model that is known (it holds {held}); expected open_clip's "
        f"{OPEN_CLIP}, or config.json of transformers or timm, each with weights. A bare weight file is written "
        "ARCH@FILE."
    )


def _from_hub(spec: ModelSpec) -> Path | None:
    """The snapshot of a repository that is not open_clip's; None where it is, or cannot be had: open_clip says why."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        if isinstance(try_to_load_from_cache(spec.source, OPEN_CLIP), str):
            return None
        if not isinstance(try_to_load_from_cache(spec.source, _CONFIG), str):
            hf_hub_download(spec.source, OPEN_CLIP)
            return None
    except LocalEntryNotFoundError:
        return None
    except EntryNotFoundError:
        pass
    except (HfHubHTTPError, OSError, ValueError):
        return None
    return _snapshot(spec)


def _snapshot(spec: ModelSpec) -> Path:
    """What the repository holds of a model of transformers or timm; raises `ModelError` where it cannot be had."""
    from huggingface_hub import constants, snapshot_download

    from workbench.models.checkpoints import why_no_download

    described = [f"*{suffix}" for suffix in DESCRIPTIONS]
    offline = bool(constants.HF_HUB_OFFLINE)
    try:
        wanted = [*described, "*.safetensors"]
        folder = Path(snapshot_download(spec.source, allow_patterns=wanted, local_files_only=offline))
        if not any(folder.glob("*.safetensors")) and not offline:
            folder = Path(snapshot_download(spec.source, allow_patterns=[*described, "pytorch_model*.bin"]))
    except Exception as error:  # Hub and network clients raise many kinds.
        raise ModelError(f"model {spec.argument!r}: {why_no_download(error)}") from error
    return folder


def brief(error: Exception) -> str:
    """A library's error on one line."""
    return f"{type(error).__name__}: {shown(' '.join(str(error).split()), 200)}"


def plain(config: Any) -> dict[str, Any]:
    """Settings that decide what a network computes, as JSON: without places and the versions that wrote them."""
    ignored = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures"}

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cleaned(each) for key, each in value.items() if key not in ignored}
        return [cleaned(each) for each in value] if isinstance(value, list | tuple) else value

    settings: dict[str, Any] = json.loads(json.dumps(cleaned(config), sort_keys=True, default=str))
    return settings
