"""Repositories of the hub at a revision, `hf-hub:ORG/REPO@REVISION`, as folders of the local cache."""

from pathlib import Path

from workbench.errors import ModelError
from workbench.models.checkpoints import CONFIG, why_no_download
from workbench.models.foreign.formats import DESCRIPTIONS
from workbench.models.spec import ModelSpec

_TRANSFORMERS = (("*.safetensors",), ("pytorch_model*.bin",))


def at_revision(spec: ModelSpec) -> ModelSpec:
    """The folder of a repository at the revision that an argument names; other models as they are.

    What is in the cache is taken from there, and nothing is asked; otherwise what is missing is downloaded.

    Args:
        spec: The model argument, taken apart.

    Raises:
        ModelError: There is no such repository or revision, or the hub cannot be reached.
    """
    if spec.kind != "hub" or not spec.revision:
        return spec
    return ModelSpec(spec.argument, "directory", "", str(_folder(spec)))


def _folder(spec: ModelSpec) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    described = [f"*{suffix}" for suffix in DESCRIPTIONS]

    def snapshot(*patterns: str, local: bool = False) -> Path:
        return Path(
            snapshot_download(spec.source, revision=spec.revision, allow_patterns=patterns, local_files_only=local)
        )

    try:
        try:
            folder = snapshot(*described, local=True)
            if constants.HF_HUB_OFFLINE or _has_weights(folder):
                return folder
        except LocalEntryNotFoundError:
            if constants.HF_HUB_OFFLINE:
                raise
        folder = snapshot(*described)
        if (folder / CONFIG).is_file():
            from open_clip.pretrained import download_pretrained_from_hf

            download_pretrained_from_hf(spec.source, revision=spec.revision)
            return folder
        for patterns in _TRANSFORMERS:
            folder = snapshot(*described, *patterns)
            if _has_weights(folder):
                break
    except Exception as error:  # Hub and network clients raise many kinds.
        raise ModelError(f"model {spec.argument!r}: {why_no_download(error)}") from error
    return folder


def _has_weights(folder: Path) -> bool:
    """Whether a folder has a weight file, and all parts of one that is in parts, `-00001-of-00003`."""
    found = {path.name for path in folder.iterdir() if path.suffix in {".safetensors", ".bin"} and path.exists()}
    parts = {name.rpartition("-of-")[2].partition(".")[0] for name in found if "-of-" in name}
    return bool(found) and all(sum(f"-of-{count}." in name for name in found) == int(count) for count in parts)
