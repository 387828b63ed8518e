"""A model that is known by its embeddings alone."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import ModelError
from workbench.formatting import counted
from workbench.images import Features
from workbench.models.embeddings.table import EmbeddingTable, files_of, read_embeddings
from workbench.models.encoder import Encoder
from workbench.models.identity import Identity, hash_file, note_file, package_versions
from workbench.models.spec import ModelSpec

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from workbench.models.loaded import LoadedModel

_CLIP_SCALE = 100.0
"""CLIP's learned scale, at which its training holds it (Radford et al., ICML 2021, section 2.5)."""


class EmbeddingsEncoder(Encoder):
    """Embeddings from a file: features of images that it lists, and of texts where it has them; no network.

    Args:
        spec: `features:FILE`.
        cache: The workbench's cache folder.
        precision: What other models are computed at; it changes nothing here.
        device: Resolved device, for heads.

    Raises:
        ModelError: The file is not there, damaged, or lacks what it must have.
    """

    samples_needed = property(lambda _: 0, doc="Nothing is computed, so nothing is compared.")
    pixel_transform = property(lambda _: None, doc="There is none.")
    tokenizer = property(lambda _: None, doc="There is none.")

    def __init__(self, spec: ModelSpec, cache: Path, precision: str, device: str) -> None:
        self._path_of_file = Path(spec.source)
        self._images_of_slides: dict[int, tuple[bytes, str]] = {}
        files_of(self._path_of_file)
        super().__init__(spec, cache, precision, device)
        self.fingerprint = self.identity.fingerprint("as given", self.preprocessing)

    def _identify(self, cache: Path) -> Identity:  # noqa: ARG002
        """Reading checks the file; what is computed from it is decided by its content."""
        table, path = self._table, self._path_of_file
        notes = [f"embeddings from {path.name}, which this workbench did not compute"]
        if table.averaged:
            notes.append("an image's is the mean of its patches'")
        if len(table.texts) and table.logit_scale is None:
            notes.append(f"its logit scale is not given, and CLIP's is taken ({_CLIP_SCALE:g})")
        return Identity(
            weights=[hash_file(file) for file in files_of(path)],
            folder=note_file(path) if path.is_dir() else None,
            config={"embeddings": {"images": len(table), "texts": len(table.texts)}},
            versions=package_versions(),
            embed_dim=table.projected.shape[1],
            pooled_dim=table.pooled.shape[1],
            logit_scale=_CLIP_SCALE if table.logit_scale is None else table.logit_scale,
            logit_bias=table.logit_bias,
            notice="; ".join(notes),
        )

    @cached_property
    def _table(self) -> EmbeddingTable:
        return read_embeddings(self._path_of_file)

    def given(self, ids: Sequence[str], hashes: AnyArray) -> tuple[AnyArray, Features]:
        """The features of images that the file lists.

        Args:
            ids: Names of n images in their dataset.
            hashes: uint8 (n, 32), of their content.

        Returns:
            Positions of those that are listed, int64 (k,), and their k features.

        Raises:
            ModelError: Two images of different content have one slide's name.
        """
        rows = self._table.find(ids, hashes)
        listed = np.flatnonzero(rows >= 0)
        if self._table.by_stem:
            self._check_slides(rows, ids, hashes)
        return listed, Features(self._table.pooled[rows[listed]], self._table.projected[rows[listed]])

    @property
    def why_not_listed(self) -> str:
        """Why an image has no features, with what would have one."""
        table = self._table
        example = repr(table.ids[0]) if table.hashes is None else f"hash {table.hashes[0].tobytes().hex()}"
        return f"is not listed in {self.name}, which lists {counted(len(table), 'image')}, such as {example}"

    def _check_slides(self, rows: AnyArray, ids: Sequence[str], hashes: AnyArray) -> None:
        for row, name, key in zip(rows.tolist(), ids, hashes, strict=True):
            if row < 0:
                continue
            content, before = self._images_of_slides.setdefault(row, (key.tobytes(), name))
            if content != key.tobytes():
                raise ModelError(
                    f"model {self.name!r}: {before!r} and {name!r} are different images, and both are called "
                    f"{self._table.ids[row]!r}; write a file with the whole ids in 'id' instead."
                )

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `Encoder.encode_texts`; raises `ModelError` where the file lacks one."""
        known = self._table.text_rows
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            has = f"of {counted(len(known), 'other text')} only" if known else "of images alone"
            raise ModelError(
                f"model {self.name!r}: it has embeddings {has}, and {counted(len(missing), 'text')} more "
                f"{'is' if len(missing) == 1 else 'are'} needed, such as {missing[0]!r}. Add them to the file as "
                "'text' with their embeddings, or take a recipe that needs no text, such as linear-probe, knn or "
                "nearest-class-mean."
            )
        rows = np.array([known[text] for text in texts], dtype=np.int64)
        return self._table.text_features[rows]

    def load(self, device: str = "cpu") -> "LoadedModel":  # noqa: ARG002
        """Raises `ModelError`: there is no network."""
        self._no_network("its network")

    def preprocess(self, image: "Image") -> "Tensor":  # noqa: ARG002
        """Raises `ModelError`: there is no network."""
        self._no_network("pictures")

    def encode_images(self, pixels: "Tensor") -> Features:  # noqa: ARG002
        """Raises `ModelError`: there is no network."""
        self._no_network("pictures")

    def _no_network(self, what: str) -> NoReturn:
        raise ModelError(
            f"model {self.name!r}: it is a file of embeddings, and {what} cannot be asked for. Recipes on features "
            "work; those that train the network or look at boxes, tiles or new images need the model itself."
        )
