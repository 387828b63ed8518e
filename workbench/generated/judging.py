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
from workbench.metrics.functional import Values, first_equal
from workbench.metrics.generation import cmmd, prompt_metrics
from workbench.models import Encoder

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Judgement:
    """A model's scores of generated images.

    Attributes:
        images: The readable ones, with their prompts and with notes on prompts and on the reference, too.
        clip_scores: (n,), 0..2.5.
        nearest: The prompt that each image is nearest to.
        estimates: `clip_score` and `prompt_accuracy` with intervals.
        distances: `cmmd` and `cmmd_unbiased`; empty without a reference.
        different_prompts: Number of prompts that the model distinguishes; prompt accuracy by chance is 1 over this.
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
        store: The feature store.
        reference: From `reference_features`.
        max_unreadable: Share (0..1) of the images that may be unreadable.
        workers: Decoding threads; 0 means one per core.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: More than `max_unreadable` images cannot be read, or none is left.
    """
    source, rows = ImageFiles(images.folder, images.files), np.arange(len(images.files))
    extraction = extract(source, rows, encoder, store, workers=workers, progress=progress)
    rows_read = np.flatnonzero(extraction.readable)
    check_readable(str(images.folder), extraction.unreadable, len(rows), max_unreadable)
    files, prompts = (tuple(column[i] for i in rows_read) for column in (images.files, images.prompts))
    notes = images.notes if reference is None else (*images.notes, *reference.notes)
    noted = (*images.noted_names, *(name for name, _ in (reference.unreadable if reference else ())))
    unique_prompts, prompt_of = _numbered(prompts)
    features, texts = extraction.features.projected[rows_read], CachedModel(encoder, store).encode_texts(unique_prompts)
    # Tokenizers drop case and spaces: prompts that become the same would tie, and a tie counts as wrong.
    same = first_equal(normalise(texts))
    representatives, number = np.unique(same, return_inverse=True)
    texts, prompt_of = texts[representatives], number.reshape(-1)[prompt_of]
    notes += _coinciding(unique_prompts, same)
    nearest = _nearest(features, texts)
    return Judgement(
        images=PromptedImages(images.folder, files, prompts, notes, noted),
        clip_scores=clip_scores(features, texts[prompt_of]),
        nearest=tuple(
            own_prompt if i == k else unique_prompts[representatives[i]]
            for own_prompt, i, k in zip(prompts, nearest, prompt_of, strict=True)
        ),
        estimates=prompt_metrics(features, texts, prompt_of),
        distances={}
        if reference is None
        else {
            "cmmd": cmmd(features, reference.features),
            "cmmd_unbiased": cmmd(features, reference.features, unbiased=True),
        },
        different_prompts=len(texts),
        reference=None if reference is None else (reference.name, len(reference.features)),
        unreadable=tuple(extraction.unreadable),
        reference_unreadable=0 if reference is None else len(reference.unreadable),
        digest=_digest(source.hashes(rows_read).tobytes(), prompts, reference),
    )


def _numbered(prompts: tuple[str, ...]) -> tuple[list[str], IntArray]:
    number = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
    return list(number), np.array([number[prompt] for prompt in prompts], dtype=np.int64)


def _coinciding(prompts: list[str], same: IntArray) -> tuple[str, ...]:
    copies = np.flatnonzero(same != np.arange(len(same)))
    if not len(copies):
        return ()
    n, other = len(np.union1d(copies, same[copies])), int(copies[0])
    return (
        f"{n} of {len(prompts)} prompts are to the model the same as another, since its tokenizer drops what they "
        f"differ in, such as {prompts[same[other]]!r} and {prompts[other]!r}; those that coincide count as one.",
    )


def _nearest(images: FloatArray, prompts: FloatArray) -> IntArray:
    units = normalise(prompts)
    blocks = (normalise(images[start : start + 4096]) for start in range(0, len(images), 4096))
    return np.concatenate([np.argmax(block @ units.T, axis=1) for block in blocks]).astype(np.int64)


def _digest(hashes: bytes, prompts: tuple[str, ...], reference: Reference | None) -> str:
    digest = hashlib.sha256(hashes)
    digest.update("\0".join(prompts).encode("utf-8", "surrogatepass"))
    if reference is not None:
        digest.update(np.ascontiguousarray(reference.features).tobytes())
    return digest.hexdigest()
