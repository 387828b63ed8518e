"""Find a model's weight files and build its network, through open_clip."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import ModelError
from workbench.models.spec import ModelSpec
from workbench.registry import closest

if TYPE_CHECKING:
    from workbench.models.loaded import LoadedModel

_EXPLICIT_GELU = "-gelu"


def weight_files(spec: ModelSpec) -> list[Path]:
    """The files that hold a model's weights and configuration; downloads what a tag or hub id names.

    Raises:
        ModelError: Unknown architecture or tag, wrong activation, missing file, or the hub cannot be reached.
    """
    if spec.kind == "directory":
        return _directory_files(Path(spec.source))
    if spec.kind == "file":
        _check_file(spec)
        return [Path(spec.source)]
    import open_clip
    from open_clip.pretrained import download_pretrained_from_hf

    try:
        if spec.kind == "hub":
            config = download_pretrained_from_hf(spec.source, filename="open_clip_config.json")
            return [Path(config), Path(download_pretrained_from_hf(spec.source))]
        _check_tag(spec)
        return [Path(open_clip.download_pretrained(open_clip.get_pretrained_cfg(spec.architecture, spec.source)))]
    except ModelError:
        raise
    except Exception as error:  # Hub and network clients raise many kinds.
        raise ModelError(
            f"model {spec.argument!r}: its weights could not be downloaded ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason given'}). Check the name and the network; a "
            "gated model needs `hf auth login`; local weights load with ARCH@FILE or local-dir:PATH."
        ) from error


def build(spec: ModelSpec) -> "LoadedModel":
    """Build the network with its weights, in fp32 on the CPU, in eval mode."""
    import open_clip
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    from workbench.models.loaded import LoadedModel

    name, pretrained = open_clip_name(spec), None
    if spec.kind in {"tag", "file"}:
        pretrained = spec.source
    try:
        network = open_clip.create_model(name, pretrained=pretrained, precision="fp32", device="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(
            f"model {spec.argument!r}: its weights could not be loaded ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason given'}). Expected safetensors or a state dict "
            "that torch.load(weights_only=True) accepts, made for this architecture."
        ) from error
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    preprocess = open_clip.get_model_preprocess_cfg(network)
    size = preprocess["size"]
    image_size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    transform = image_transform_v2(PreprocessCfg(**preprocess), is_train=False)
    assert isinstance(network, torch.nn.Module)
    return LoadedModel(
        network=network,
        preprocess=transform,
        tokenizer=open_clip.get_tokenizer(name),
        image_size=image_size,
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        config=model_config(spec),
        preprocess_config=asdict(PreprocessCfg(**preprocess)),
    )


def open_clip_name(spec: ModelSpec) -> str:
    """The model name that open_clip's own functions take."""
    if spec.kind == "hub":
        return f"hf-hub:{spec.source}"
    if spec.kind == "directory":
        return f"local-dir:{spec.source}"
    return spec.architecture.removesuffix(_EXPLICIT_GELU)


def model_config(spec: ModelSpec) -> dict[str, Any]:
    """open_clip's `model_cfg`."""
    from open_clip.factory import get_model_config

    config: dict[str, Any] = get_model_config(open_clip_name(spec))
    return json.loads(json.dumps(config))  # type: ignore[no-any-return]  # a plain copy, tuples as lists


def _directory_files(folder: Path) -> list[Path]:
    config = folder / "open_clip_config.json"
    if not config.is_file():
        raise ModelError(
            f"model 'local-dir:{folder}': open_clip_config.json is missing there; expected a folder in open_clip's hub "
            "layout (open_clip_config.json, open_clip_model.safetensors, tokenizer files)."
        )
    weights = sorted(path for path in folder.iterdir() if path.suffix in {".safetensors", ".bin", ".pth", ".pt"})
    if not weights:
        raise ModelError(f"model 'local-dir:{folder}': no weights (.safetensors, .bin, .pth) beside its config.")
    return [config, *weights]


def _check_architecture(spec: ModelSpec) -> None:
    import open_clip

    name = open_clip_name(spec)
    known = open_clip.list_models()
    if name not in known:
        raise ModelError(f"model {spec.argument!r}: open_clip knows no architecture {name!r}.{closest(name, known)}")


def _check_tag(spec: ModelSpec) -> None:
    import open_clip

    _check_architecture(spec)
    tags = open_clip.list_pretrained_tags_by_model(spec.architecture)
    if spec.source not in tags:
        hint = closest(spec.source, tags) or f" Tags: {', '.join(tags) or 'none'}."
        raise ModelError(f"model {spec.argument!r}: {spec.architecture} has no pretrained tag {spec.source!r}.{hint}")
    trained_with = bool(open_clip.get_pretrained_cfg(spec.architecture, spec.source).get("quick_gelu", False))
    built_with = bool(model_config(spec).get("quick_gelu", False))
    if trained_with != built_with:
        right = (
            f"{spec.architecture}-quickgelu" if trained_with else spec.architecture.replace("-quickgelu", "")
        ) + f"/{spec.source}"
        activation = "QuickGELU" if trained_with else "GELU"
        raise ModelError(
            f"model {spec.argument!r}: these weights were trained with {activation}, and the wrong activation silently "
            f"costs accuracy; use {right!r}."
        )


def _check_file(spec: ModelSpec) -> None:
    import open_clip

    _check_architecture(spec)
    if not Path(spec.source).is_file():
        raise ModelError(f"model {spec.argument!r}: {spec.source} is not a file.")
    name = spec.architecture
    if not name.endswith((_EXPLICIT_GELU, "-quickgelu")) and f"{name}-quickgelu" in open_clip.list_models():
        raise ModelError(
            f"model {spec.argument!r}: a bare file does not say its activation; write '{name}-quickgelu@{spec.source}' "
            f"for weights trained with QuickGELU (OpenAI's), or '{name}{_EXPLICIT_GELU}@{spec.source}' for GELU."
        )
