"""The feature store: a folder per model fingerprint, a table per kind of feature in it."""

import contextlib
import json
import os
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from workbench.datasets.thumbnails import SIDE
from workbench.features._files import write_atomically
from workbench.features._protocols import ModelIdentity
from workbench.features._remote import RemoteStore
from workbench.features._table import FeatureTable
from workbench.features.views import check_view

if TYPE_CHECKING:
    from workbench.settings import Settings

MODEL_FILE = "model.json"
TEXTS = "texts"
IMAGES = "images-"


class FeatureStore:
    """Features on disk, computed once per model fingerprint and content, shared by everything that runs.

    `CACHE/features/FINGERPRINT/images-VIEW/*.safetensors` and `.../texts/*.safetensors`, with a `model.json` that says
    what the fingerprint stands for and whose modification time is when it was last used. Thumbnails, by which near
    duplicates are found, are those of no model: `CACHE/features/thumbnails-1/images-grey/`. They show the images, so
    they stay on this machine; features of images and texts may lie in an object store, too.

    Args:
        cache: The workbench's cache folder; made when something is first stored.
        shard_rows: A shard is committed after so many images,
        shard_seconds: or after so long, whichever comes first: what a killed run loses at most.
        remote: A store that is asked for what this machine lacks; what it has is copied, and not computed.
    """

    def __init__(
        self,
        cache: Path,
        *,
        shard_rows: int = 2048,
        shard_seconds: float = 20.0,
        remote: RemoteStore | None = None,
    ) -> None:
        self.root = features_folder(cache)
        self.remote = remote
        self.shard_rows = shard_rows
        self.shard_seconds = shard_seconds
        self._tables: dict[Path, FeatureTable] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """The store of the settings: below the cache, with the one at `features` where that is set."""
        return cls(settings.cache, remote=remote_store(settings))

    def apart(self) -> "FeatureStore":
        """The same store, with tables of its own."""
        return FeatureStore(
            self.root.parent, shard_rows=self.shard_rows, shard_seconds=self.shard_seconds, remote=self.remote
        )

    def images(self, model: ModelIdentity, view: str = "eval") -> FeatureTable:
        """Table of image features: `pooled` and `projected` by the hash of the encoded bytes.

        Raises:
            WorkbenchError: No such view.
        """
        check_view(view)
        return self._table(model, f"{IMAGES}{view}", {"pooled": model.pooled_dim, "projected": model.embed_dim})

    def texts(self, model: ModelIdentity) -> FeatureTable:
        """Table of text features: `projected` by the SHA-256 of the text."""
        return self._table(model, TEXTS, {"projected": model.embed_dim})

    def thumbnails(self) -> FeatureTable:
        """Table of thumbnails, uint8: `grey` by the hash of the encoded bytes."""
        return self._table(_THUMBNAILS, f"{IMAGES}grey", {"grey": SIDE * SIDE}, np.uint8)

    def _table(
        self,
        model: "ModelIdentity | _Thumbnails",
        name: str,
        widths: dict[str, int],
        dtype: type[np.float32] | type[np.uint8] = np.float32,
    ) -> FeatureTable:
        folder = self.root / model.fingerprint
        with contextlib.suppress(OSError):  # Not there yet, or a cache that may only be read.
            os.utime(folder / MODEL_FILE)
        with self._lock:
            if folder / name not in self._tables:
                prepare = partial(_describe, folder, model)
                shared = None if model is _THUMBNAILS else self.remote
                remote = None if shared is None else shared.table(model.fingerprint, name, _about(model))
                self._tables[folder / name] = FeatureTable(folder / name, widths, prepare, dtype, remote)
            return self._tables[folder / name]


def features_folder(cache: Path) -> Path:
    """The store's folder in a cache folder."""
    return Path(cache) / "features"


def remote_store(settings: "Settings") -> RemoteStore | None:
    """The store in an object store that the settings name."""
    if settings.features is None:
        return None
    return RemoteStore(settings.features, settings.cache / "features-read", writable=settings.publish_features)


@dataclass(frozen=True)
class _Thumbnails:
    """What stands in a model's place. Raise the number when the same pixels give another thumbnail."""

    name: str = "thumbnails"
    precision: str = "uint8"
    fingerprint: str = "thumbnails-1"


_THUMBNAILS = _Thumbnails()


def _describe(folder: Path, model: ModelIdentity | _Thumbnails) -> None:
    if (folder / MODEL_FILE).exists():
        return
    write_atomically(folder / MODEL_FILE, _about(model))


def _about(model: ModelIdentity | _Thumbnails) -> bytes:
    about = {"model": model.name, "precision": model.precision, "fingerprint": model.fingerprint}
    return json.dumps(about, indent=2, ensure_ascii=False).encode()
