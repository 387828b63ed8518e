"""The models that can be named: the registered ones, and open_clip's architectures and pretrained tags."""

from pathlib import Path
from typing import Any

from workbench.errors import ModelError
from workbench.models.plugin import models
from workbench.models.spec import ModelSpec
from workbench.registry import closest

GELU = "-gelu"
"""Suffix by which `ARCH@FILE` says that the weights need GELU; open_clip's own `-quickgelu` says the other."""
QUICK_GELU = "-quickgelu"


def pretrained_models() -> list[str]:
    """Open_clip's `ARCH/TAG`, except those that would be refused. Imports open_clip (seconds)."""
    import open_clip

    return [f"{arch}/{tag}" for arch, tag in open_clip.list_pretrained() if right_architecture(arch, tag) == arch]


def right_architecture(architecture: str, tag: str) -> str:
    """The architecture with the activation that a tag's weights were trained with.

    `architecture` itself where open_clip has no other of that name: a few tags do not record their activation.
    """
    import open_clip

    trained_quick = bool(open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu", False))
    if trained_quick == bool(architecture_config(architecture).get("quick_gelu", False)):
        return architecture
    other = f"{architecture}{QUICK_GELU}" if trained_quick else architecture.removesuffix(QUICK_GELU)
    return other if tag in open_clip.list_pretrained_tags_by_model(other) else architecture


def architecture_config(architecture: str) -> dict[str, Any]:
    """open_clip's configuration of an architecture."""
    from open_clip.factory import get_model_config

    config: dict[str, Any] = get_model_config(architecture)
    return config


def usual_preprocessing(architecture: str) -> dict[str, Any]:
    """Preprocessing for a bare weight file: what all of the architecture's tags use, or nothing if they differ.

    Without it a SigLIP file would be fed OpenAI's normalisation, silently.
    """
    import open_clip

    keys = ("mean", "std", "interpolation", "resize_mode")
    entries = []
    for tag in open_clip.list_pretrained_tags_by_model(architecture):
        known = open_clip.get_pretrained_cfg(architecture, tag)
        entries.append({key: known[key] for key in keys if key in known})
    return entries[0] if entries and all(entry == entries[0] for entry in entries) else {}


def check_tag(spec: ModelSpec) -> None:
    """Refuse an unknown architecture or tag, and weights trained with the other activation."""
    import open_clip

    _check_architecture(spec, spec.architecture)
    tags = open_clip.list_pretrained_tags_by_model(spec.architecture)
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
    import open_clip

    name = spec.architecture
    _check_architecture(spec, name.removesuffix(GELU))
    if not Path(spec.source).is_file():
        raise ModelError(f"model {spec.argument!r}: {spec.source} is not a file.")
    if not name.endswith((GELU, QUICK_GELU)) and f"{name}{QUICK_GELU}" in open_clip.list_models():
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
        import open_clip

        known = open_clip.list_models()
        if spec.source in known:
            tags = open_clip.list_pretrained_tags_by_model(spec.source)
            tag = next((tag for tag in tags if right_architecture(spec.source, tag) == spec.source), None)
            hint = (
                f" It is an architecture of open_clip; name its weights too{f': {spec.source}/{tag}' if tag else ''}."
            )
        else:
            near = closest(spec.source, known)
            hint = near and f"{near} (open_clip, as ARCH/TAG)"
    raise ModelError(
        f"no model is called {spec.source!r}.{hint} Forms: {', '.join(models.names())}, ARCH/TAG, ARCH@FILE, "
        "hf-hub:ORG/REPO, local-dir:PATH, run:RUN; `workbench list models --open-clip` shows them."
    )


def _check_architecture(spec: ModelSpec, name: str) -> None:
    import open_clip

    known = open_clip.list_models()
    if name not in known:
        hint = closest(name, known) or " `workbench list models --open-clip` shows what there is."
        raise ModelError(f"model {spec.argument!r}: open_clip knows no architecture {name!r}.{hint}")
