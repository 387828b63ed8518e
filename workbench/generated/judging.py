"""CLIPScore and prompt accuracy of generated images, and their distance from a reference set."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.features import CachedModel, FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.generated.prompts import PromptedImages
from workbench.generated.reference import Reference, check_readable
from workbench.metrics.captions_clip import clip_scores
from workbench.metrics.estimate import Estimate
from workbench.metrics.functional import Values
from workbench.metrics.generation import cmmd, prompt_metrics
from workbench.models import Encoder

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Judgement:
    """What a model says about generated images.

    Attributes:
        images: The readable ones, with their prompts and with notes on the reference, too.
        clip_scores: (n,), 0..2.5.
        nearest: The prompt that each image is nearest to.
        estimates: `clip_score` and `prompt_accuracy` with intervals.
        distances: `cmmd` and `cmmd_unbiased`; empty without a reference.
        different_prompts: Prompt accuracy by chance is 1 over this.
        reference: Name and size of the reference, or None.
        unreadable: File and reason of images that are left out.
        reference_unreadable: Number of images that are left out of the reference.
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
    reference_unreadable: int
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
    check_readable(str(images.folder), found.unreadable, len(rows), max_unreadable)
    files, prompts = (tuple(each[i] for i in good) for each in (images.files, images.prompts))
    notes = images.notes if reference is None else (*images.notes, *reference.notes)
    kept = PromptedImages(images.folder, files, prompts, notes)
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
        reference_unreadable=0 if reference is None else len(reference.unreadable),
        digest=_digest(source.hashes(good).tobytes(), kept, reference),
    )


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
