"""Image towers of timm: by name, from the hub, or from a folder with `config.json`."""

from pathlib import Path
from typing import Any

import torch

from workbench.errors import ModelError
from workbench.models.foreign.formats import ForeignModel, brief
from workbench.models.foreign.towers import NO_TEXTS, ImageNetwork, no_tokenizer
from workbench.models.loaded import LoadedModel
from workbench.models.spec import ModelSpec
from workbench.models.timm_names import check_timm_name
from workbench.registry import closest


def build(model: ForeignModel) -> LoadedModel:
    """The tower without its classifier; see `ForeignModel.build`. Pooled and projected features are the same."""
    import timm
    from timm.data import create_transform, resolve_model_data_config

    source = model.spec.source if model.folder is None else f"local-dir:{model.folder}"
    if model.folder is None:
        check_tag(model.spec)
    try:
        network: Any = timm.create_model(source, pretrained=True, num_classes=0)
    except Exception as error:  # The library raises many kinds.
        raise ModelError(
            f"model {model.spec.argument!r}: timm cannot load {source} ({brief(error)}); weights "
            "that are here load from a folder with config.json and model.safetensors: local-dir:PATH."
        ) from error
    network.float().eval().requires_grad_(False)
    data = resolve_model_data_config(network)
    size = (int(data["input_size"][1]), int(data["input_size"][2]))
    with torch.inference_mode():
        features = network(torch.zeros(1, 3, *size))
    if features.dim() != 2:  # Virchow's configuration pools nothing.
        network.reset_classifier(0, "token" if getattr(network, "num_prefix_tokens", 0) else "avg")
    tower = ImageNetwork(network)
    return LoadedModel(
        network=tower.eval().requires_grad_(False),
        preprocess=create_transform(**data, is_training=False),
        tokenizer=no_tokenizer,
        image_size=size,
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        config={"timm": {"architecture": network.pretrained_cfg.get("architecture") or source, **_arguments(model)}},
        preprocess_config={key: list(value) if isinstance(value, tuple) else value for key, value in data.items()},
        frozen_reason="it is an image tower alone, whose training through texts is not defined",
        no_texts=NO_TEXTS,
    )


def _arguments(model: ForeignModel) -> dict[str, Any]:
    """What the folder's configuration changes of the architecture."""
    return {key: value for key, value in model.config().items() if key in {"model_args", "global_pool", "num_features"}}


def check_tag(spec: ModelSpec) -> None:
    """Refuse a name that timm has no weights for; raises `ModelError`."""
    import timm

    check_timm_name(spec)
    architecture, _, tag = spec.source.partition(".")
    names = (name.partition(".") for name in timm.list_pretrained(f"{architecture}*"))
    tags = [known for name, _, known in names if name == architecture]
    if not tags:
        raise ModelError(f"model {spec.argument!r}: timm has no pretrained weights for {architecture!r}.")
    if tag and tag not in tags:
        hint = closest(tag, tags) or f" Tags: {', '.join(tags)}."
        raise ModelError(f"model {spec.argument!r}: {architecture} has no pretrained tag {tag!r}.{hint}")


def fetched(spec: ModelSpec) -> Path:
    """The weight file of a name of timm's, fetched if it is not in the cache.

    Raises:
        ModelError: timm does not know it, or it cannot be fetched.
    """
    from timm.models import get_pretrained_cfg

    check_tag(spec)
    about: Any = get_pretrained_cfg(spec.source)
    name = f"model {spec.argument!r}"
    if not about.hf_hub_id:
        raise ModelError(f"{name}: timm has its weights on no hub; save them in a folder and name it local-dir:PATH.")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    from workbench.models.checkpoints import why_no_download

    try:
        try:
            return Path(hf_hub_download(about.hf_hub_id, "model.safetensors"))
        except EntryNotFoundError:
            return Path(hf_hub_download(about.hf_hub_id, about.hf_hub_filename or "pytorch_model.bin"))
    except Exception as error:  # Hub and network clients raise many kinds.
        raise ModelError(f"{name}: {why_no_download(error)}") from error
