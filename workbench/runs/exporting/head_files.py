"""A run's head alone: arrays with the lines that use them, or an estimator of scikit-learn."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError
from workbench.images import Features
from workbench.recipes.heads import NUMPY_UNIT, LinearHead
from workbench.runs.exporting.checking import TestImages, compare_head
from workbench.runs.exporting.copying import format_size

if TYPE_CHECKING:
    from workbench.runs.exporting.classifier import ExportedClassifier

ARRAYS, SNIPPET, ESTIMATOR = "head.npz", "head.py", "model.skops"
_SNIPPET = '''"""Class probabilities from image features; needs numpy.

pooled: (n, {pooled}) features before the projection into the joint space; projected: (n, {projected}) in it. Neither is
normalised. `workbench embed` writes both; `encode_image` of open_clip gives the projected ones.
"""

from pathlib import Path

import numpy as np

head = np.load(Path(__file__).with_name("{arrays}"), allow_pickle=False)
class_names = head["class_names"].tolist()


{unit}


def logits_of(pooled, projected):
    {lines}
    return logits


def probabilities_of(pooled, projected):
    logits = logits_of(pooled, projected)
    {probabilities}
'''
NPZ = (
    "import numpy as np",
    "from head import class_names, probabilities_of",
    "",
    "# One row an image; pooled and projected features of the run's model, as `workbench embed` writes them.",
    "pooled, projected = np.load('pooled.npy'), np.load('projected.npy')",
    "best = probabilities_of(pooled, projected).argmax(axis=1)",
    "print([class_names[i] for i in best])",
)
SKLEARN = (
    "import numpy as np",
    "import skops.io",
    "",
    'model = skops.io.load("model.skops", trusted=[])',
    "# One row an image: features of the run's model, not normalised, as `workbench embed` writes them.",
    "print(model.predict_proba(np.load('features.npy')))",
)
_SOFTMAX = "e = np.exp(logits - logits.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)"
_SIGMOID = "return np.exp(-np.logaddexp(0, -logits))"


def write_npz(classifier: "ExportedClassifier", folder: Path) -> list[str]:
    """Write `head.npz`, and `head.py`, whose functions use it.

    Returns:
        Sentences on the comparison with the run, for which `head.py` is run.

    Raises:
        WorkbenchError: There is no such head, or it gives other scores than the run.
    """
    _check_alone(classifier)
    head, encoder = classifier.head, classifier.run.encoder
    arrays: dict[str, AnyArray] = {**head.arrays(), "class_names": np.asarray(classifier.class_names, np.str_)}
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
    text = _SNIPPET.format(
        pooled=encoder.pooled_dim, projected=encoder.embed_dim, arrays=ARRAYS, unit=NUMPY_UNIT,
        lines="\n    ".join(head.numpy()), probabilities=_SIGMOID if classifier.multi_label else _SOFTMAX,
    )  # fmt: skip
    path = folder / SNIPPET
    path.write_text(text, encoding="utf-8")
    scope: dict[str, Any] = {"__file__": str(path), "__name__": "head"}
    exec(compile(text, str(path), "exec"), scope)  # noqa: S102 - it was written by the lines above
    said = _compared(classifier, lambda x: scope["logits_of"](x.pooled, x.projected), SNIPPET)
    return [*said, f"{ARRAYS}: {format_size([folder / ARRAYS])}; the network is not in it"]


def write_sklearn(classifier: "ExportedClassifier", folder: Path) -> list[str]:
    """Write `model.skops`, a fitted pipeline of scikit-learn; skops reads it without running code from the file.

    Its input are features, not normalised: those of the one space that the head reads, or pooled and projected side by
    side.

    Returns:
        Sentences on the comparison with the run.

    Raises:
        WorkbenchError: The head is not linear, or the estimator gives other scores than the run.
    """
    import skops.io

    _check_alone(classifier)
    linear = classifier.head.linear()
    if linear is None:
        raise WorkbenchError(
            f"run {classifier.run.result.run_id[:8]}: the head of recipe {classifier.run.result.recipe!r} is not "
            "linear, so scikit-learn has no estimator for it; take --format npz, onnx or torch."
        )
    encoder, path = classifier.run.encoder, folder / ESTIMATOR
    widths = {"pooled": encoder.pooled_dim, "projected": encoder.embed_dim}
    pipeline = _pipeline(linear, widths, classifier.class_names, multi_label=classifier.multi_label)
    skops.io.dump(pipeline, path)
    again = skops.io.load(path, trusted=[])

    def answer(x: Features) -> AnyArray:
        columns = np.hstack([getattr(x, space) for space in linear.spaces])
        probability = np.asarray(again.predict_proba(columns), np.float64)
        with np.errstate(divide="ignore"):
            logits = np.log(probability)
            return logits - np.log1p(-probability) if classifier.multi_label else logits

    said = _compared(classifier, answer, ESTIMATOR)
    inputs = " and ".join(f"{space} ({widths[space]} columns)" for space in linear.spaces)
    return [*said, f"{ESTIMATOR}: {format_size([path])}, its input are features, {inputs}; the network is not in it"]


def _pipeline(linear: LinearHead, widths: dict[str, int], names: tuple[str, ...], *, multi_label: bool) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    arrays, starts, parts = linear.arrays(), 0, []
    for space in linear.spaces:
        columns = list(range(starts, starts + widths[space]))
        parts.append((space, Normalizer() if linear.unit_norm else "passthrough", columns))
        starts += widths[space]
    weight = np.hstack([arrays[f"weight_{space}"] for space in linear.spaces]).astype(np.float64)
    bias = arrays["bias"].astype(np.float64)
    columns = ColumnTransformer(parts).fit(np.zeros((1, starts)))
    of_all = _many(weight, bias, names) if multi_label else _one(weight, bias, np.asarray(names, np.str_))
    return make_pipeline(columns, of_all)


def _one(weight: AnyArray, bias: AnyArray, names: AnyArray) -> Any:
    """Multinomial logistic regression with these weights, of classes in this order."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression()
    if len(names) == 2:  # Of two classes it keeps what tells the second from the first.
        weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    fitted.coef_, fitted.intercept_, fitted.classes_ = weight, bias, names
    fitted.n_features_in_, fitted.n_iter_ = weight.shape[1], np.array([0], np.int32)
    return fitted


def _many(weight: AnyArray, bias: AnyArray, names: tuple[str, ...]) -> Any:
    """One logistic regression a label."""
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import LabelBinarizer

    fitted = OneVsRestClassifier(_one(np.zeros((2, 1)), np.zeros(2), np.array([0, 1])))
    pairs = zip(weight, bias, strict=True)
    fitted.estimators_ = [_one(np.stack([0 * w, w]), np.stack([0 * b, b]), np.array([0, 1])) for w, b in pairs]
    fitted.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(np.eye(len(names), dtype=int))
    fitted.n_features_in_ = weight.shape[1]
    return fitted


def _check_alone(classifier: "ExportedClassifier") -> None:
    """Refuse a head whose features only a network of the run's own makes."""
    if classifier.own_network is not None:
        result = classifier.run.result
        raise WorkbenchError(
            f"run {result.run_id[:8]}: recipe {result.recipe!r} has changed the network, and its head is of no use "
            "without it; take --format onnx or torch for both, or open_clip or transformers for the network alone."
        )


def _compared(classifier: "ExportedClassifier", answer: Callable[[Features], AnyArray], what: str) -> list[str]:
    images = TestImages.of(classifier.run)
    features = images.features(classifier.run)
    return compare_head(answer, features, images.recorded, what, multi_label=classifier.multi_label)
