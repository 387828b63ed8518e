"""Captions that people wrote of other images: the nearest text, or what the captions of the nearest images agree on.

`by = "text"` takes the caption whose text feature is nearest to the image in the joint space; it needs no image beside
the captions, and `bank` may name a file of them. `by = "image"` takes the caption that the captions of the nearest
training images agree on most (Devlin et al., arXiv:1505.04467), and so never asks the text tower. The default tries
both, and several numbers of neighbours, and keeps what has the highest CIDEr-D on validation.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field

from workbench.plugin import (
    CaptionedImages,
    Captioner,
    CaptioningTask,
    FitReport,
    FloatArray,
    ImageSet,
    ImageTextRecipe,
    ImageTextTask,
    RecipeConfig,
    RecipeError,
    TaskModel,
    captions_by_text,
    cider_d,
    consensus_captions,
)


class CaptionRetrievalConfig(RecipeConfig):
    """Settings.

    Attributes:
        by: Compare images with captions (`text`), with other images (`image`), or take the better one on validation.
        neighbours: Numbers of nearest images that are tried.
        bank: Text file with a caption a line, to choose from instead of the training captions; needs `by = "text"`.
    """

    by: Literal["auto", "text", "image"] = "auto"
    neighbours: tuple[int, ...] = Field(default=(1, 5, 20), min_length=1)
    bank: str | None = None

    def files(self) -> tuple[str, ...]:
        """See `RecipeConfig.files`."""
        return () if self.bank is None else (self.bank,)


class CaptionRetrieval(ImageTextRecipe[CaptionRetrievalConfig]):
    """See the module."""

    Config = CaptionRetrievalConfig
    fits = (CaptioningTask,)

    def fit_image_text(self, task: ImageTextTask) -> "BorrowedCaptions":
        """See the module."""
        if not isinstance(task, CaptioningTask):
            raise RecipeError(f"caption-retrieval does not do {type(task).__name__}.")
        config = self.config
        if config.bank is not None and config.by != "text":
            raise RecipeError('recipe "caption-retrieval": bank needs by = "text", as its captions have no images.')
        if min(config.neighbours) < 1:
            raise RecipeError('recipe "caption-retrieval": neighbours must be at least 1.')
        candidates = list(self._candidates(task))
        trials = [_trial(candidate, task.val) for candidate in candidates]
        scores = [trial["val_cider"] for trial in trials]
        best = candidates[int(np.nanargmax(scores)) if np.isfinite(scores).any() else 0]
        notes = () if np.isfinite(scores).any() or len(candidates) == 1 else (
            "there were no validation captions, so the first of several ways was taken",
        )  # fmt: skip
        if task.refit and config.bank is None and len(task.val.positives):
            best = best.with_more(task.val, task.model)
        best.report = FitReport(chosen=best.settings(), trials=[{**t} for t in trials], notes=notes)
        return best

    def _candidates(self, task: CaptioningTask) -> "list[BorrowedCaptions]":
        config, candidates = self.config, []
        bank = _read_bank(Path(config.bank)) if config.bank else task.train.texts
        if config.by in {"auto", "text"}:
            candidates.append(BorrowedCaptions(bank, task.model.encode_texts(list(bank)), None))
        if config.by in {"auto", "image"}:
            features, captions = _captioned(task.train)
            candidates += [BorrowedCaptions(captions, features, k) for k in config.neighbours]
        return candidates

    @classmethod
    def restore_image_text(cls, directory: Path, model: TaskModel, device: str) -> "BorrowedCaptions":  # noqa: ARG003
        """See `ImageTextRecipe.restore_image_text`."""
        return BorrowedCaptions.restore(directory)


class BorrowedCaptions(Captioner):
    """Takes captions from a bank.

    Args:
        bank: Captions (by text), or the captions of each image (by image).
        features: Projected features of each entry: of texts, or of images.
        neighbours: Nearest images asked; None compares with texts.
    """

    def __init__(self, bank: Sequence[str] | Sequence[Sequence[str]], features: FloatArray, neighbours: int | None):
        if not len(bank):
            raise RecipeError('recipe "caption-retrieval": there is no caption to choose from.')
        self._bank = bank
        self._features = features
        self._neighbours = neighbours

    def captions(self, images: ImageSet) -> list[str]:
        """See `Captioner.captions`."""
        features = images.features.projected
        if self._neighbours is None:
            return captions_by_text(features, [str(text) for text in self._bank], self._features)
        return consensus_captions(features, self._features, self._bank, self._neighbours)

    def settings(self) -> dict[str, str | int | float | bool]:
        """The settings that captions are chosen by."""
        return {"by": "text"} if self._neighbours is None else {"by": "image", "neighbours": self._neighbours}

    def with_more(self, data: CaptionedImages, model: TaskModel) -> "BorrowedCaptions":
        """A captioner with further captions to choose from."""
        if self._neighbours is None:
            bank = [*dict.fromkeys([*map(str, self._bank), *data.texts])]
            return BorrowedCaptions(bank, model.encode_texts(bank), None)
        features, captions = _captioned(data)
        return BorrowedCaptions([*self._bank, *captions], np.concatenate([self._features, features]), self._neighbours)

    def save(self, directory: Path) -> None:
        """Write `captions.json` and `captions.safetensors`."""
        from safetensors.numpy import save_file

        save_file({"features": np.ascontiguousarray(self._features)}, directory / "captions.safetensors")
        bank = [entry if isinstance(entry, str) else list(entry) for entry in self._bank]
        content = {"neighbours": self._neighbours, "bank": bank}
        (directory / "captions.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def restore(cls, directory: Path) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        content = json.loads((directory / "captions.json").read_text(encoding="utf-8"))
        return cls(content["bank"], load_file(directory / "captions.safetensors")["features"], content["neighbours"])


def _captioned(data: CaptionedImages) -> tuple[FloatArray, list[list[str]]]:
    """Features and captions of the images that have captions."""
    captions: list[list[str]] = [[] for _ in range(len(data))]
    for image, text in data.positives:
        captions[image].append(data.texts[text])
    chosen = [i for i, image_captions in enumerate(captions) if image_captions]
    if not chosen:
        raise RecipeError('recipe "caption-retrieval": no training image has a caption.')
    return data.images.features.projected[chosen], [captions[i] for i in chosen]


def _trial(candidate: BorrowedCaptions, val: CaptionedImages) -> dict[str, str | int | float | bool]:
    score = float("nan")
    if len(val.positives):
        _, references = _captioned(val)
        chosen = np.unique(val.positives[:, 0])
        score = float(np.mean(cider_d(candidate.captions(val.images.subset(chosen)), references)))
    return {**candidate.settings(), "val_cider": score}


def _read_bank(path: Path) -> tuple[str, ...]:
    try:
        lines = path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"caption-retrieval.bank: {path} cannot be read as UTF-8 text ({error}).") from error
    return tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
