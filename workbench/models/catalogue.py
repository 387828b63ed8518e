"""The models that can be named: the registered ones, and open_clip's architectures and pretrained tags."""

from pathlib import Path
from typing import Any

from workbench.errors import MissingModelError, ModelError
from workbench.models.open_clip_tables import architecture_configs, pretrained_tags
from workbench.models.plugin import models
from workbench.models.reachability import check_reachable
from workbench.models.schemes import schemes
from workbench.models.spec import ModelSpec, parse_model
from workbench.models.timm_names import check_timm_name
from workbench.registry import closest

GELU = "-gelu"
"""Suffix by which `ARCH@FILE` says that the weights need GELU; open_clip's own `-quickgelu` says the other."""
QUICK_GELU = "-quickgelu"


def pretrained_models() -> list[str]:
    """Open_clip's `ARCH/TAG`, except those that would be refused."""
    return [
        f"{arch}/{tag}"
        for arch, tags in pretrained_tags().items()
        for tag in tags
        if right_architecture(arch, tag) == arch
    ]


def right_architecture(architecture: str, tag: str) -> str:
    """The architecture with the activation that a tag's weights were trained with.

    `architecture` itself where open_clip has no other of that name: a few tags do not record their activation.
    """
    trained_quick = bool(_known(architecture, tag).get("quick_gelu", False))
    if trained_quick == bool(architecture_config(architecture).get("quick_gelu", False)):
        return architecture
    other = f"{architecture}{QUICK_GELU}" if trained_quick else architecture.removesuffix(QUICK_GELU)
    return other if tag in pretrained_tags().get(other, {}) else architecture


def _known(architecture: str, tag: str) -> dict[str, Any]:
    # open_clip takes a tag in any case, with hyphens for underscores.
    tags = pretrained_tags().get(architecture, {})
    return tags.get(tag, {}) or tags.get(tag.lower().replace("-", "_"), {})


def architecture_config(architecture: str) -> dict[str, Any]:
    """open_clip's configuration of an architecture."""
    return architecture_configs()[architecture]


def usual_preprocessing(architecture: str) -> dict[str, Any]:
    """Preprocessing for a bare weight file: what all of the architecture's tags use, or nothing if they differ.

    Without it a SigLIP file would be fed OpenAI's normalisation, silently.
    """
    keys = ("mean", "std", "interpolation", "resize_mode")
    tags = pretrained_tags().get(architecture, {}).values()
    entries = [{key: known[key] for key in keys if key in known} for known in tags]
    return entries[0] if entries and all(entry == entries[0] for entry in entries) else {}


def check_tag(spec: ModelSpec) -> None:
    """Refuse an unknown architecture or tag, and weights trained with the other activation."""
    _check_architecture(spec, spec.architecture)
    tags = list(pretrained_tags().get(spec.architecture, {}))
    if spec.source not in tags:
        file = f" A weight file is written {spec.architecture}@FILE." if Path(spec.source).suffix else ""
        hint = closest(spec.source, tags) or f" Tags: {', '.join(tags) or 'none'}."
        raise ModelError(
            f"model {spec.argument!r}: {spec.architecture} has no pretrained tag {spec.source!r}.{hint}{file}"
        )
    right = right_architecture(spec.architecture, spec.source)
    if right != spec.architecture:
        raise ModelError(
            f"model {spec.argument!r}: these weights were trained with {'QuickGELU' if QUICK_GELU in right else 'GELU'}"
            f", and the wrong activation silently costs accuracy; use '{right}/{spec.source}'."
        )


def check_file(spec: ModelSpec) -> None:
    """Refuse an unknown architecture, a missing file, and one of two possible activations left unsaid."""
    name = spec.architecture
    _check_architecture(spec, name.removesuffix(GELU))
    if not Path(spec.source).is_file():
        raise MissingModelError(f"model {spec.argument!r}: {spec.source} is not a file.")
    if not name.endswith((GELU, QUICK_GELU)) and f"{name}{QUICK_GELU}" in architecture_configs():
        raise ModelError(
            f"model {spec.argument!r}: a weight file does not say its activation; write '{name}{QUICK_GELU}@"
            f"{spec.source}' for QuickGELU (OpenAI, DFN, MetaCLIP), or '{name}{GELU}@{spec.source}' for GELU."
        )


def check_registered(spec: ModelSpec) -> None:
    """Refuse a name that no plug-in has, and say what else it may have been meant to be."""
    if spec.source in models.names():
        return
    hint = closest(spec.source, models.names())
    if not hint:
        known = list(architecture_configs())
        if spec.source in known:
            tags = pretrained_tags().get(spec.source, {})
            tag = next((tag for tag in tags if right_architecture(spec.source, tag) == spec.source), None)
            hint = (
                f" It is an architecture of open_clip; name its weights too{f': {spec.source}/{tag}' if tag else ''}."
            )
        else:
            near = closest(spec.source, known)
            hint = near and f"{near} (open_clip, as ARCH/TAG)"
    raise ModelError(
        f"no model is called {spec.source!r}.{hint} Forms: {', '.join(models.names())}, ARCH/TAG, ARCH@FILE, "
        "hf-hub:ORG/REPO, local-dir:PATH, timm:NAME, features:FILE, run:RUN; `workbench list models --open-clip` shows "
        "them."
    )


def check_model(argument: str) -> None:
    """Refuse a model argument for what can be known without torch and without its weights.

    Args:
        argument: A model argument; those of a registered scheme (`run:RUN`) are left to it.

    Raises:
        ModelError: Unknown name, architecture or tag, wrong or missing activation, no such file, or a model of the hub
            that is not here while the hub cannot be reached.
    """
    scheme, _, source = argument.partition(":")
    if source and scheme in schemes.names():
        return
    spec = parse_model(argument)
    if spec.kind == "plugin":
        check_registered(spec)
    elif spec.kind == "tag":
        check_tag(spec)
        check_reachable(spec, str(_known(spec.architecture, spec.source).get("hf_hub", "")))
    elif spec.kind == "file":
        check_file(spec)
    elif spec.kind == "hub":
        check_reachable(spec, spec.source)
    elif spec.kind == "timm":
        check_timm_name(spec)
    elif spec.kind == "embeddings":
        from workbench.models.embeddings.table import files_of

        files_of(Path(spec.source))
    elif not Path(spec.source).exists():
        raise MissingModelError(f"model {argument!r}: there is nothing at {spec.source}.")


def hub_repository(argument: str) -> str:
    """The repository of the hub that a model comes from, `ORG/REPO`; empty where it comes from nowhere or elsewhere."""
    spec = parse_model(argument)
    if spec.kind == "hub":
        return spec.source
    if spec.kind == "tag":
        return str(_known(spec.architecture, spec.source).get("hf_hub", ""))
    if spec.kind == "timm":
        from timm.models import get_pretrained_cfg

        return getattr(get_pretrained_cfg(spec.source, allow_unregistered=True), "hf_hub_id", None) or ""
    return ""


def _check_architecture(spec: ModelSpec, name: str) -> None:
    known = list(architecture_configs())
    if name not in known:
        hint = closest(name, known) or " `workbench list models --open-clip` shows what there is."
        raise ModelError(f"model {spec.argument!r}: open_clip knows no architecture {name!r}.{hint}")
