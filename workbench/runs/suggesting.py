"""Which images of a folder to label next, as a finished run sees them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray, normalise
from workbench.contact_sheet import SheetEntry, as_thumbnail, contact_sheet
from workbench.datasets import open_pictures
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.features.unlabelled import FolderFeatures, extract_folder
from workbench.labelling.selection import Selection, select, uncertainty
from workbench.runs.apply import answers_of, check_answers, predicting
from workbench.runs.finished import FinishedRun

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Suggestions:
    """Images to label next.

    Attributes:
        found: The folder's images.
        positions: Those to label, positions in `found.files`, the most wanted first.
        answers: What the run says of each, and how sure it is.
        unsure: How unsure it is, 0..1.
        notes: Sentences about what was left out.
    """

    found: FolderFeatures
    positions: IntArray
    answers: tuple[tuple[str, float], ...]
    unsure: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row an image: `rank`, `file`, `answer`, `probability`, `uncertainty`."""
        return [
            {
                "rank": rank, "file": self.found.files[position], "answer": answer,
                "probability": round(probability, 6), "uncertainty": round(unsure, 6),
            }
            for rank, (position, (answer, probability), unsure) in enumerate(
                zip(self.positions.tolist(), self.answers, self.unsure, strict=True), 1
            )
        ]  # fmt: skip

    def sheet(self, title: str) -> str:
        """A page with the pictures."""
        entries = [
            SheetEntry(
                row["file"],
                (f"{row['rank']}. {row['file']}", f"{row['answer']}? {row['probability']:.2f}"),
                self._picture(position),
            )
            for row, position in zip(self.rows, self.positions.tolist(), strict=True)
        ]
        return contact_sheet(title, "What the run takes each for, and with what probability.", entries)

    def _picture(self, position: int) -> bytes | None:
        try:
            return as_thumbnail(self.found.images.decode(position))
        except DataError:
            return None


def suggest(
    run: FinishedRun, folder: Path, n: int, by: Selection = "both", *, progress: Progress | None = None
) -> Suggestions:
    """Images below a folder to label next, see `labelling.selection.select`.

    Images of the run's dataset that have labels are left out, and so are further copies of an image.

    Args:
        run: A finished run of classification that saved its predictor.
        folder: Searched recursively.
        n: How many.
        by: The way.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: There is no image in the folder, or none without a label.
        WorkbenchError: The run does not answer with classes.
    """
    names = list(run.config["class_names"])
    if run.config["multi_label"] or not run.task.names_classes:
        raise WorkbenchError(
            f"run {run.result.run_id} does not give each image one class, so there is no margin between two to go by."
        )
    check_answers(run, ())
    predictor, store = run.predictor(), FeatureStore.of(run.settings)
    found = extract_folder(
        folder, run.encoder, store, run.card.pixels, workers=run.settings.workers, progress=progress
    )  # fmt: skip
    with predicting(run):
        answered = answers_of(run, predictor, found.readable, (), None) if found.readable_files else []
    notes = [*found.notes]
    positions = np.flatnonzero(found.extraction.readable)
    features = normalise(found.extraction.features.pooled[positions])
    labelled, known = _labelled(run, notes, progress)
    fresh = _fresh(found.images.hashes(positions), known)
    if len(fresh) < len(positions):
        notes.append(
            f"{len(positions) - len(fresh)} of {len(positions)} images are left out: labelled already, or copies."
        )
    if not len(fresh):
        raise DataError(f"{folder}: none of its {len(positions)} images is without a label.")
    chances = _matrix([answered[i] for i in fresh.tolist()], names)
    unsure = uncertainty(chances)
    chosen = select(features[fresh], unsure, n, by, labelled=labelled)
    best = chances[chosen].argmax(axis=1)
    answers = tuple((names[c], float(chances[i, c])) for i, c in zip(chosen.tolist(), best.tolist(), strict=True))
    return Suggestions(
        found, positions[fresh[chosen]], answers, tuple(map(float, unsure[chosen])), tuple(notes)
    )  # fmt: skip


def _labelled(run: FinishedRun, notes: list[str], progress: Progress | None) -> tuple[FloatArray | None, set[bytes]]:
    """Features of the run's labelled images, and the contents of all of its dataset."""
    try:
        dataset = open_pictures(run.dataset_argument, run.settings, language=run.card.language)
    except WorkbenchError as error:
        notes.append(f"The run's dataset cannot be opened, so its labelled images are not known ({error})")
        return None, set()
    rows = dataset.rows("train")
    extraction = extract(dataset, rows, run.encoder, FeatureStore.of(run.settings), progress=progress)
    known = {content.tobytes() for content in dataset.hashes(dataset.rows("all"))}
    return normalise(extraction.features.pooled[extraction.readable]), known


def _fresh(contents: AnyArray, known: set[bytes]) -> IntArray:
    """Positions of contents that are not known, each content once."""
    seen, fresh = set(known), []
    for i, content in enumerate(contents):
        if content.tobytes() not in seen:
            seen.add(content.tobytes())
            fresh.append(i)
    return np.array(fresh, dtype=np.int64)


def _matrix(answers: list[Any], names: list[str]) -> FloatArray:
    column = {name: i for i, name in enumerate(names)}
    chances = np.zeros((len(answers), len(names)), np.float32)
    for row, answer in zip(chances, answers, strict=True):
        row[[column[name] for name in answer["classes"]]] = answer["probabilities"]
    return chances
