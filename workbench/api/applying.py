"""Use a finished run: its predictions, predictions of other images, its weights."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.api.arguments import PathText, as_path, read_settings
from workbench.runs.finished import FinishedRun
from workbench.runs.usable import UsableRun

if TYPE_CHECKING:
    import pandas as pd

    from workbench.runs.exporting import Format


def load(run: str, **settings: Any) -> UsableRun:
    """Bring a finished run back, to ask it about images or to look at it.

    `run.predict(images)`, `run.ground(image, boxes, "the blue box")`, `run.heat_map(image, "the blue box")`,
    `run.embed(images)` and `run.search("a red leaf")` take arrays, pictures of Pillow's, paths, or several of them, and
    keep the model and the predictor in memory between calls.

    Args:
        run: Its id, or an unambiguous beginning of one.
        settings: Fields of `workbench.Settings`, such as `tracking_uri` or `device`.

    Returns:
        An object with these methods, `result` (settings, metrics, tags), `card`, `predictions` of the test items,
        `predictor()` and `model`; each is read at its first use.

    Raises:
        WorkbenchError: There is no such run, or several, or it is not finished.
    """
    return UsableRun.open(run, read_settings(load, settings))


def predict(
    run: str,
    folder: PathText,
    texts: str | Sequence[str] = (),
    boxes: PathText | None = None,
    *,
    top: int = 5,
    least_score: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> "pd.DataFrame":
    """Apply a finished run to every image below a folder.

    Args:
        run: Its id, or an unambiguous beginning of one.
        folder: Searched recursively.
        texts: Sentences, for runs of retrieval, matching and grounding.
        boxes: For grounding: JSON with boxes of the images, as a detector writes it; without it the whole image is
            searched.
        top: Classes or texts named for each image.
        least_score: Boxes that the detector scores lower are left out.
        progress: Called with (done, total) while features are computed.
        settings: Fields of `workbench.Settings`, such as `tracking_uri` or `device`.

    Returns:
        One row an image: `file` (relative to the folder), what the run's task answers (`classes` and `probabilities`,
        `caption`, `texts`), and `error`, why an image could not be read; of grounding one row an image and text.

    Raises:
        WorkbenchError: There is no such run, it has no predictor, or there is no image in the folder.
    """
    import pandas as pd

    from workbench.datasets.detections import read_detections
    from workbench.runs.apply import predict_anything

    opened = UsableRun.open(run, read_settings(predict, settings))
    detections = None if boxes is None else read_detections(as_path(boxes), least_score=least_score)
    sentences = [texts] if isinstance(texts, str) else list(texts)
    rows = predict_anything(opened, as_path(folder), sentences, detections, top=top, progress=progress)
    return pd.DataFrame([row.to_dict() for row in rows])


def export(run: str, to: PathText, format: "Format | None" = None, **settings: Any) -> Path:  # noqa: A002
    """Write a finished run for other tools, with a model card (`README.md`); see `workbench export --help`.

    Args:
        run: Its id, or an unambiguous beginning of one.
        to: A new or empty folder.
        format: `onnx`, `torch`, `open_clip`, `transformers`, `sklearn` or `npz`. None takes the network in its
            library's layout (`open_clip.create_model_from_pretrained("local-dir:FOLDER")` loads it) where the run has
            changed it, else the head as `npz`.
        settings: Fields of `workbench.Settings`, such as `tracking_uri`.

    Returns:
        The folder.

    Raises:
        WorkbenchError: There is no such run, it has nothing to give in this format, the folder is not empty, or what
            was written gives other scores than the run.
    """
    from workbench.runs.exporting import export_run

    folder = as_path(to)
    export_run(FinishedRun.open_any(run, read_settings(export, settings)), folder, format)
    return folder
