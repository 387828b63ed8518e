"""A run's classifier as a program of `torch.export`, which torch alone runs."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.arrays import AnyArray, FloatArray
from workbench.runs.exporting.checking import Reference, TestImages, compare, in_batches
from workbench.runs.exporting.copying import copy_program, format_size
from workbench.runs.exporting.preprocessing import write_preprocessing

if TYPE_CHECKING:
    from workbench.runs.exporting.classifier import ExportedClassifier

MODEL = "model.pt2"


def write_torch(classifier: "ExportedClassifier", folder: Path) -> list[str]:
    """Write `model.pt2`, `preprocessing.json`, and two programs that use them; see `write_onnx`.

    `torch.export.load(FILE).module()` takes preprocessed pixels, float32 (n, 3, height, width), and gives logits and
    probabilities.
    """
    import torch

    from workbench.runs.exporting.network import PixelClassifier, exported_program

    module = PixelClassifier(classifier.network, classifier.head, classifier.multi_label)
    program = exported_program(module, classifier.network.image_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of weights that share memory it says that they might be elsewhere.
        torch.export.save(program, folder / MODEL)
        loaded = torch.export.load(folder / MODEL).module()

    def answer(pixels: FloatArray) -> AnyArray:
        with torch.inference_mode():
            return loaded(torch.from_numpy(pixels))[0].numpy()  # type: ignore[no-any-return]

    reference = Reference.of(classifier, TestImages.of(classifier.run))
    said = compare(
        lambda pixels: in_batches(answer, pixels), reference, "the program", multi_label=classifier.multi_label
    )
    write_preprocessing(classifier.network, classifier.class_names, classifier.multi_label, folder)
    if classifier.network.pixel_transform is not None:
        copy_program("predict_torch.py", folder / "predict.py")
    return [*said, f"{MODEL}: {format_size([folder / MODEL])}"]
