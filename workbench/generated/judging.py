"""CLIPScore and prompt accuracy of generated images, and their distance from a reference set."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.datasets import open_dataset
from workbench.datasets.catalogue import cards
from workbench.datasets.sources.folder import image_files
from workbench.errors import DataError
from workbench.features import CachedModel, FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.generated.prompts import PromptedImages
from workbench.metrics.captions_clip import clip_scores
from workbench.metrics.estimate import Estimate
from workbench.metrics.functional import Values
from workbench.metrics.generation import cmmd, prompt_metrics
from workbench.models import Encoder
from workbench.search import Gallery, open_gallery
from workbench.search.gallery import SplitChoice
from workbench.settings import Settings

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Reference:
    """Images that generated ones should look like.

    Attributes:
        name: The dataset or folder.
        features: (m, d) projected.
    """

    name: str
    features: FloatArray


@dataclass(frozen=True)
class Judgement:
    """What a model says about generated images.

    Attributes:
        images: The readable ones, with their prompts.
        clip_scores: (n,), 0..2.5.
        nearest: The prompt that each image is nearest to.
        estimates: `clip_score` and `prompt_accuracy` with intervals.
        distances: `cmmd` and `cmmd_unbiased`; empty without a reference.
        different_prompts: Prompt accuracy by chance is 1 over this.
        reference: Name and size of the reference, or None.
        unreadable: File and reason of images that are left out.
        digest: Hex digest of the images, their prompts and the reference.
    """

    images: PromptedImages
    clip_scores: Values
    nearest: tuple[str, ...]
    estimates: dict[str, Estimate]
    distances: dict[str, float]
    different_prompts: int
    reference: tuple[str, int] | None
    unreadable: tuple[tuple[str, str], ...]
    digest: str


def judge(
    images: PromptedImages,
    encoder: Encoder,
    store: FeatureStore,
    reference: Reference | None = None,
    *,
    max_unreadable: float = 0.01,
    workers: int = 0,
    progress: Progress | None = None,
) -> Judgement:
    """Judge generated images by a model's features.

    Args:
        images: From `read_prompts`.
        encoder: The model; scores of different models cannot be compared.
        store: Where features are kept.
        reference: From `reference_features`.
        max_unreadable: Share (0..1) of the images that may be unreadable.
        workers: Decoding threads; 0 means one per core.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: More images are unreadable than that, or none is left.
    """
    source, rows = ImageFiles(images.folder, images.files), np.arange(len(images.files))
    found = extract(source, rows, encoder, store, workers=workers, progress=progress)
    good = np.flatnonzero(found.readable)
    if not len(good) or len(found.unreadable) > max_unreadable * len(rows):
        name, reason = found.unreadable[0]
        raise DataError(
            f"{images.folder}: {len(found.unreadable)} of {len(rows)} images cannot be read, more than the "
            f"{max_unreadable:.1%} that --max-unreadable allows; the first is {name} ({reason})."
        )
    files, prompts = (tuple(each[i] for i in good) for each in (images.files, images.prompts))
    kept = PromptedImages(images.folder, files, prompts, images.notes)
    different, prompt_of = _numbered(kept.prompts)
    features, texts = found.features.projected[good], CachedModel(encoder, store).encode_texts(different)
    nearest = _nearest(features, texts)
    return Judgement(
        images=kept,
        clip_scores=clip_scores(features, texts[prompt_of]),
        nearest=tuple(different[i] for i in nearest),
        estimates=prompt_metrics(features, texts, prompt_of),
        distances={}
        if reference is None
        else {
            "cmmd": cmmd(features, reference.features),
            "cmmd_unbiased": cmmd(features, reference.features, unbiased=True),
        },
        different_prompts=len(different),
        reference=None if reference is None else (reference.name, len(reference.features)),
        unreadable=tuple(found.unreadable),
        digest=_digest(source.hashes(good).tobytes(), kept, reference),
    )


def reference_features(
    argument: str,
    encoder: Encoder,
    settings: Settings,
    split: SplitChoice = "all",
    *,
    progress: Progress | None = None,
) -> Reference:
    """Features of a reference set: a folder of images of any layout, a registered dataset, or a card file.

    Raises:
        WorkbenchError: There is no such dataset or folder, or it has no readable image.
    """
    store, path = FeatureStore(settings.cache), Path(argument).expanduser()
    if path.is_dir() and argument not in cards.names() and split == "all":
        files = image_files(path)
        if not files:
            raise DataError(f"--reference {argument}: there is no image in the folder.")
        found = extract(
            ImageFiles(path, files), np.arange(len(files)), encoder, store, workers=settings.workers, progress=progress
        )
        if not found.readable.any():
            raise DataError(f"--reference {argument}: none of its {len(files)} images can be read.")
        return Reference(argument, found.features.projected[found.readable])
    gallery: Gallery = open_gallery(
        open_dataset(argument, settings), encoder, store, split, workers=settings.workers, progress=progress
    )
    return Reference(argument if split == "all" else f"{argument} ({split})", gallery.features(0, len(gallery)))


def _numbered(prompts: tuple[str, ...]) -> tuple[list[str], IntArray]:
    number = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
    return list(number), np.array([number[prompt] for prompt in prompts], dtype=np.int64)


def _nearest(images: FloatArray, prompts: FloatArray) -> IntArray:
    units = normalise(prompts)
    blocks = (normalise(images[start : start + 4096]) for start in range(0, len(images), 4096))
    return np.concatenate([np.argmax(block @ units.T, axis=1) for block in blocks]).astype(np.int64)


def _digest(hashes: bytes, images: PromptedImages, reference: Reference | None) -> str:
    digest = hashlib.sha256(hashes)
    digest.update("\0".join(images.prompts).encode("utf-8", "surrogatepass"))
    if reference is not None:
        digest.update(np.ascontiguousarray(reference.features).tobytes())
    return digest.hexdigest()
