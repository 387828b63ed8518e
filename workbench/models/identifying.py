"""Find out what a model is: its files are hashed while it loads, and it is run once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.arrays import FloatArray
from workbench.errors import ModelError, WorkbenchError
from workbench.images import Features
from workbench.models.identity import HashedFile, Identity, hash_file, note_file, package_versions
from workbench.models.plugin import models
from workbench.models.spec import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.models.loaded import LoadedModel


def identify(
    spec: ModelSpec,
    cache: Path,
    load: "Callable[[], LoadedModel]",
    encode_images: "Callable[[Tensor], Features]",
    encode_texts: Callable[[Sequence[str]], FloatArray],
) -> Identity:
    """Everything about a model that a run needs when features are cached.

    Args:
        spec: The model argument, taken apart.
        cache: The workbench's cache folder.
        load: Gives the model.
        encode_images: Its image features, in fp32.
        encode_texts: Its text features.

    Raises:
        ModelError: The model cannot be loaded, or its features say nothing.
    """
    from workbench.models._tokenizers import digest_of
    from workbench.models.checkpoints import ModelFiles, find_files
    from workbench.models.probe import check_alive, photographs, text_tower_settings

    notice: str | None = None
    extra: dict[str, Any] = {}
    if spec.kind == "plugin":
        plugin = models.get(spec.source)
        with code_of(spec):
            files, notice = ModelFiles(plugin.files(cache)), plugin.notice
        extra = {"plugin": [spec.source, plugin.version]}
    else:
        files = find_files(spec)
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as pool:
        weights, others = ([pool.submit(hash_file, path) for path in paths] for paths in (files.weights, files.others))
        loaded = load()
        exact = encode_images(photographs(loaded.preprocess))
        check_alive(spec.argument, exact.projected, None if loaded.no_texts else encode_texts)
        return Identity(
            weights=_results(weights),
            others=_results(others),
            folder=note_file(files.folder) if files.folder else None,
            config={
                "model": _without_places(loaded.config),
                "preprocess": loaded.preprocess_config,
                "tokenizer": None if loaded.no_texts else digest_of(loaded.tokenizer),
                "text_tower": text_tower_settings(loaded.network),
                **extra,
            },
            versions=package_versions(),
            embed_dim=exact.projected.shape[1],
            pooled_dim=exact.pooled.shape[1],
            logit_scale=loaded.logit_scale,
            logit_bias=loaded.logit_bias,
            notice=notice,
            no_texts=loaded.no_texts,
            is_fast=loaded.pixel_transform is not None,
        )


@contextmanager
def code_of(spec: ModelSpec) -> Iterator[None]:
    """Turn any failure of a plug-in's code, exit included, into a `ModelError` that names the plug-in."""
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:
        failure = "it exits" if isinstance(error, SystemExit) else type(error).__name__
        raise ModelError(f"model {spec.argument!r}: the plug-in that offers it failed ({failure}: {error}).") from error


def _results(hashing: "Sequence[Future[HashedFile]]") -> list[HashedFile]:
    return [future.result() for future in hashing]


def _without_places(config: dict[str, Any]) -> dict[str, Any]:
    """Where a text tower's files lie does not change what it computes."""
    text = {k: v for k, v in config.get("text_cfg", {}).items() if k not in {"hf_model_name", "hf_tokenizer_name"}}
    return {**config, "text_cfg": text}
