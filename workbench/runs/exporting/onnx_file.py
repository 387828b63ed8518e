"""A run's classifier as one ONNX graph, compared with the run in onnxruntime."""

import json
import logging
import statistics
import time
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import WorkbenchError
from workbench.runs.exporting import preprocessing
from workbench.runs.exporting.checking import Reference, TestImages, compare, in_batches
from workbench.runs.exporting.copying import copy_program, format_size

if TYPE_CHECKING:
    from workbench.runs.exporting.classifier import ExportedClassifier

MODEL = "model.onnx"
_ONE_FILE = 1_900_000_000
"""Bytes of weights up to which they stand in the graph's own file: protobuf takes no more than 2 GiB."""
_TIMES = 20
_LONGEST = 3.0
"""Seconds after which no further call is timed."""


def write_onnx(classifier: "ExportedClassifier", folder: Path) -> list[str]:
    """Write `model.onnx`, `preprocessing.json`, and two programs that use them.

    The graph takes `pixel_values`, float32 (n, 3, height, width), preprocessed, and gives `logits` and `probabilities`,
    float32 (n, n_classes). Its metadata hold the class names, the preprocessing, and where it comes from.

    Args:
        classifier: The run.
        folder: Is there, and empty.

    Returns:
        Sentences on the comparison, size and latency.

    Raises:
        WorkbenchError: The packages are not installed, the network cannot be traced, or the graph gives other scores.
    """
    check_packages()
    from workbench.runs.exporting.network import PixelClassifier, exported_program

    module = PixelClassifier(classifier.network, classifier.head, classifier.multi_label)
    program = exported_program(module, classifier.network.image_size)
    path = folder / MODEL
    _convert(program, path, _metadata(classifier))
    reference = Reference.of(classifier, TestImages.of(classifier.run))
    session = open_session(path)
    answer = partial(_logits, session)
    said = compare(
        lambda pixels: in_batches(answer, pixels), reference, "the ONNX graph", multi_label=classifier.multi_label
    )
    preprocessing.write_preprocessing(classifier.network, classifier.class_names, classifier.multi_label, folder)
    if classifier.network.pixel_transform is not None:
        copy_program("predict_onnx.py", folder / "predict.py")
    one, size = reference.pixels[:1], format_size(folder.glob(f"{MODEL}*"))
    here = f"{_median_ms(answer, one):.1f} ms in onnxruntime, {_median_ms(_in_torch(module), one):.1f} in torch"
    return [*said, f"{MODEL}: {size}; an image takes {here} (median, on this machine's CPU, without preprocessing)"]


def check_packages() -> None:
    """Raise `WorkbenchError` where the packages of the extra are missing."""
    from importlib.util import find_spec

    lacking = [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]
    if lacking:
        raise WorkbenchError(
            f"--format onnx needs {', '.join(lacking)}; install them with: pip install 'clip-workbench[onnx]'"
        )


def open_session(path: Path) -> Any:
    """The graph in onnxruntime, on the CPU."""
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def _convert(program: Any, path: Path, metadata: Mapping[str, str]) -> None:
    import torch

    weights = sum(tensor.numel() * tensor.element_size() for tensor in program.state_dict.values())
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = torch.onnx.export(
                program, dynamo=True, input_names=["pixel_values"], output_names=["logits", "probabilities"],
                verbose=False,
            )  # fmt: skip
        if converted is None:
            raise WorkbenchError("torch.onnx gave no graph.")
        converted.model.metadata_props.update(metadata)
        converted.save(path, external_data=weights > _ONE_FILE)
    except WorkbenchError:
        raise
    except Exception as error:  # Any operator may lack a conversion, and each raises its own.
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WorkbenchError(f"this network cannot be converted to ONNX ({reason}); try --format torch.") from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _metadata(classifier: "ExportedClassifier") -> dict[str, str]:
    result = classifier.run.result
    return {
        "class_names": json.dumps(list(classifier.class_names), ensure_ascii=False),
        "multi_label": str(classifier.multi_label).lower(),
        "preprocessing": json.dumps(preprocessing.describe(classifier.network)),
        "workbench.run": result.run_id,
        "workbench.model": result.model,
        "workbench.dataset": result.dataset,
        "workbench.recipe": result.recipe,
    }


def _logits(session: Any, pixels: FloatArray) -> AnyArray:
    return np.asarray(session.run(["logits"], {"pixel_values": pixels})[0])


def _in_torch(module: Any) -> Any:
    import torch

    def answer(pixels: FloatArray) -> Any:
        with torch.inference_mode():
            return module(torch.from_numpy(pixels))

    return answer


def _median_ms(answer: Any, pixels: FloatArray) -> float:
    answer(pixels)  # The first call does what all later ones find done.
    seconds: list[float] = []
    while len(seconds) < _TIMES and sum(seconds) < _LONGEST:
        began = time.perf_counter()
        answer(pixels)
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)
