"""Weights into memory, their files checked meanwhile against what the fingerprint stands for."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ModelError
from workbench.files import set_aside
from workbench.models.identifying import code_of
from workbench.models.identity import Identity
from workbench.models.plugin import models
from workbench.models.spec import ModelSpec

if TYPE_CHECKING:
    from workbench.models.loaded import LoadedModel


class Loader:
    """Builds a model as often as it is wanted; its files are hashed once.

    Args:
        spec: The model argument, taken apart.
        cache: The cache folder, where plug-ins build their files.
        known: The identity as it was found on disk; None where the files have just been hashed.
    """

    def __init__(self, spec: ModelSpec, cache: Path, known: Identity | None) -> None:
        self._spec = spec
        self._cache = cache
        self._unverified = known
        self._verifying = threading.Lock()

    def load(self, device: str) -> "LoadedModel":
        """A private fp32 copy on a device; see `Encoder.load`."""
        from workbench.models.checkpoints import build
        from workbench.models.loaded import to_device

        if self._spec.kind == "plugin":
            self._verify()
            with code_of(self._spec):
                loaded = models.get(self._spec.source).load(self._cache)
        else:
            with ThreadPoolExecutor(1, thread_name_prefix="verify") as pool:
                verifying = pool.submit(self._verify)
                try:
                    loaded = build(self._spec)
                finally:  # That a file is damaged says more than what its damage led to.
                    verifying.result()
        to_device(loaded.network, device)
        return loaded

    def _verify(self) -> None:
        """Check, once, that files which are known by size and time have the content that the fingerprint stands for."""
        with self._verifying:
            damaged = self._unverified.damaged() if self._unverified else []
            if self._unverified and self._make_anew(damaged):
                damaged = self._unverified.damaged()
            if damaged:
                raise ModelError(
                    f"model {self._spec.argument!r}: {damaged[0]} has changed since it was hashed, but neither its "
                    "size nor its time has: the disk may be failing. Fetch it again, or `touch` it if the change was "
                    "meant."
                )
            self._unverified = None

    def _make_anew(self, damaged: Sequence[Path]) -> bool:
        """Have a plug-in build its folders in the cache again that hold damaged files; False if there are none."""
        built = (self._cache / "models").absolute()
        folders = {built / path.relative_to(built).parts[0] for path in damaged if path.is_relative_to(built)}
        if not folders or self._spec.kind != "plugin":
            return False
        for folder in folders:
            set_aside(folder)
        models.get(self._spec.source).files(self._cache)
        return True
