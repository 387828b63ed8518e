"""Find a model's weight files and build its network, through open_clip where another library does not."""

import json
import pickle
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import ModelError
from workbench.inputs import parse_json, read_text
from workbench.models.catalogue import GELU, check_file, check_tag, usual_preprocessing
from workbench.models.foreign import foreign
from workbench.models.spec import ModelSpec

if TYPE_CHECKING:
    from workbench.models.loaded import LoadedModel

CONFIG = "open_clip_config.json"


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model.

    Attributes:
        weights: Their contents identify the model.
        others: Configuration and tokenizer, whose meaning is hashed once they are loaded.
        folder: Their folder, if it is the user's.
    """

    weights: list[Path]
    others: list[Path] = field(default_factory=list)
    folder: Path | None = None


def find_files(spec: ModelSpec) -> ModelFiles:
    """The files of a model; downloads what a tag or hub id names.

    Raises:
        ModelError: Unknown architecture or tag, wrong activation, missing file, or the hub cannot be reached.
    """
    if (other := foreign(spec)) is not None:
        return ModelFiles(other.weights(), other.descriptions(), other.folder if spec.kind == "directory" else None)
    if spec.kind == "directory":
        return _in_directory(spec)
    if spec.kind == "file":
        check_file(spec)
        return ModelFiles([Path(spec.source)])
    if spec.kind == "tag":
        check_tag(spec)
    import open_clip
    from open_clip.pretrained import download_pretrained_from_hf

    try:
        if spec.kind == "hub":
            config = download_pretrained_from_hf(spec.source, filename=CONFIG)
            return ModelFiles([Path(download_pretrained_from_hf(spec.source))], [Path(config)])
        return ModelFiles(
            [Path(open_clip.download_pretrained(open_clip.get_pretrained_cfg(spec.architecture, spec.source)))]
        )
    except Exception as error:  # Hub and network clients raise many kinds.
        raise ModelError(f"model {spec.argument!r}: {why_no_download(error)}") from error


def build(spec: ModelSpec) -> "LoadedModel":
    """Build the network with its weights, in fp32 on the CPU, in eval mode, frozen.

    What a folder or a repository holds is recognised: models of transformers and timm are built by those.

    Raises:
        ModelError: The configuration is damaged or asks for foreign code, or the weights are not safe to read or do not
            fit.
    """
    import open_clip
    from open_clip.transform import PreprocessCfg, image_transform_v2

    from workbench.models._tokenizers import tokenizer_of
    from workbench.models._uninitialised import uninitialised
    from workbench.models.loaded import LoadedModel
    from workbench.models.weight_files import plain_weights

    _never_ask()
    if (other := foreign(spec)) is not None:
        return other.build()
    name = open_clip_name(spec)
    config = _model_config(spec)
    by_file = spec.kind == "file"
    pretrained = nullcontext(spec.source if spec.kind == "tag" else None)
    try:
        with (
            plain_weights(Path(spec.source), spec.argument) if by_file else pretrained as weights,
            uninitialised(),
        ):
            network = open_clip.create_model(
                name,
                pretrained=weights,
                precision="fp32",
                device="cpu",
                weights_only=True,
                require_pretrained=True,
                force_preprocess_cfg=usual_preprocessing(name) if by_file else None,
                **_described_beside(spec, config),
            )
        tokenizer = tokenizer_of(name, config["text_cfg"])
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"model {spec.argument!r}: {_why_not_built(error)}") from error
    network.eval().requires_grad_(False)
    preprocess = PreprocessCfg(**open_clip.get_model_preprocess_cfg(network))
    size = preprocess.size
    return LoadedModel(
        network=network,
        preprocess=image_transform_v2(preprocess, is_train=False),
        tokenizer=tokenizer,
        image_size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
        mean=tuple(preprocess.mean),
        std=tuple(preprocess.std),
        config=config,
        preprocess_config=asdict(preprocess),
    )


def open_clip_name(spec: ModelSpec) -> str:
    """The model name that open_clip's own functions take."""
    if spec.kind == "hub":
        return f"hf-hub:{spec.source}"
    if spec.kind == "directory":
        return f"local-dir:{spec.source}"
    return spec.architecture.removesuffix(GELU) if spec.kind == "file" else spec.architecture


def _model_config(spec: ModelSpec) -> dict[str, Any]:
    """open_clip's `model_cfg`."""
    from open_clip.factory import get_model_config

    try:
        # A plain copy, tuples as lists.
        config: dict[str, Any] = json.loads(json.dumps(get_model_config(open_clip_name(spec))))
        text = config["text_cfg"]
        config["vision_cfg"]
        json.dumps(config, ensure_ascii=False).encode()  # JSON can hold half of a surrogate pair.
    except (OSError, RecursionError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"model {spec.argument!r}: {CONFIG} is not open_clip's; expected 'model_cfg' with 'embed_dim', "
            f"'vision_cfg' and 'text_cfg' ({reason})."
        ) from error
    if (text.get("tokenizer_kwargs") or {}).get("trust_remote_code"):
        raise ModelError(f"model {spec.argument!r}: its tokenizer wants to run code from the hub; that is refused.")
    if spec.kind == "directory" and (text.get("hf_model_name") or text.get("hf_tokenizer_name")):
        _refuse_own_code(spec)
    return config


def _refuse_own_code(spec: ModelSpec) -> None:
    """Refuse a text tower that brings code along; without it, it would not be the model that was meant."""
    for name in ("config.json", "tokenizer_config.json"):
        path = Path(spec.source) / name
        if path.is_file() and "auto_map" in (parse_json(read_text(path, ModelError), str(path), ModelError) or {}):
            raise ModelError(
                f"model {spec.argument!r}: {path} has 'auto_map', by which it wants to run code of its own; that is "
                "refused. Install a package that registers the model under 'workbench.models' instead."
            )


def _never_ask() -> None:
    """Let transformers refuse code from a repository; on a terminal it would ask, and wait for an answer."""
    from transformers import dynamic_module_utils

    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0


def text_tower_names(spec: ModelSpec) -> str | None:
    """Hugging Face names, without owner, of a model's text tower and tokenizer; None where it is open_clip's own."""
    if (other := foreign(spec)) is not None:
        text_config = other.config().get("text_config") or {}
        return str(text_config.get("model_type") or other.config().get("model_type") or other.library)
    text = _model_config(spec)["text_cfg"]
    names = dict.fromkeys(Path(text[key]).name for key in ("hf_model_name", "hf_tokenizer_name") if text.get(key))
    return ", ".join(names) or None


def _described_beside(spec: ModelSpec, config: dict[str, Any]) -> dict[str, Any]:
    """A text tower whose configuration lies beside the weights is built from there, wherever the folder was made."""
    text = config["text_cfg"]
    if spec.kind != "directory" or not text.get("hf_model_name") or not (Path(spec.source) / "config.json").is_file():
        return {}
    return {"text_cfg": {**text, "hf_model_name": spec.source, "hf_model_pretrained": False}}


def _in_directory(spec: ModelSpec) -> ModelFiles:
    from open_clip.factory import _find_checkpoint_in_dir

    folder = Path(spec.source)
    weights = _find_checkpoint_in_dir(folder)
    if weights is None:
        raise ModelError(f"model {spec.argument!r}: no weights (.safetensors, .bin, .pth) in {folder}.")
    others = [path for path in folder.iterdir() if path.suffix in {".json", ".txt", ".model"}]
    return ModelFiles([Path(weights)], sorted(others), folder)


def why_no_download(error: Exception) -> str:
    """Why a file could not be had from a hub, in words, and what to do."""
    from urllib.error import URLError

    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    # open_clip wraps the error in one of its own; the first one is informative.
    chain: list[BaseException] = [error]
    while (earlier := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(earlier)
    local = "weights that are here load with ARCH@FILE or local-dir:PATH"
    if _any(chain, GatedRepoError):
        return "it is gated: accept its terms on its hub page, then `hf auth login`."
    if _any(chain, RepositoryNotFoundError):
        return "the hub has no such repository, or it is private; check the name, or `hf auth login`."
    if _any(chain, LocalEntryNotFoundError, ConnectionError, TimeoutError, URLError):
        return f"it is not in the local cache and the hub cannot be reached; check the network ({local})."
    if _any(chain, EntryNotFoundError):
        return f"its repository lacks {CONFIG} or open_clip's weights; is it an open_clip model?"
    return f"its weights could not be downloaded ({_shortly(error)}); {local}."


def _any(chain: list[BaseException], *types: type[BaseException]) -> bool:
    return any(isinstance(link, types) for link in chain)


def _why_not_built(error: Exception) -> str:
    text = str(error)
    if "trust_remote_code" in text:
        return "its text tower or tokenizer wants to run code from its repository; that is refused."
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in text or "TorchScript" in text:
        return (
            "its weight file is a pickle of more than tensors, which could run code when opened, so it is refused; "
            "convert it to safetensors, or save its state_dict alone with torch.save."
        )
    # open_clip asserts widths of position embeddings before torch compares the rest.
    if "Error(s) in loading state_dict" in text or isinstance(error, AssertionError):
        return f"the weights do not fit the architecture; is it the right one? ({_shortly(text)})"
    return f"it could not be built ({type(error).__name__}: {_shortly(error)})."


def _shortly(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= 240 else f"{line[:240]}…"
