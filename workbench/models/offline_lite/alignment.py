"""Align an image tower with a text tower in closed form, from the image classifier's rows and its class names."""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Ridge penalties tried, relative to the mean eigenvalue of the rows' Gram matrix."""


def align(rows: Float64Array, names: Float64Array) -> tuple[Float64Array, float]:
    """Linear map from image features to text space by ridge regression of name embeddings on classifier rows.

    Rows and embeddings are centred first: what all classes share distinguishes none of them. The penalty is the one
    whose leave-one-class-out predictions rank the left-out class's own name best (median rank among all names), so no
    image and no evaluation set is involved.

    Args:
        rows: (n_classes, d_image) classifier weights.
        names: (n_classes, d_text) unit-norm embeddings of the class names.

    Returns:
        (d_image, d_text) projection, and the relative penalty chosen.
    """
    a = rows - rows.mean(axis=0)
    b = names - names.mean(axis=0)
    gram = a @ a.T
    unit = float(np.trace(gram)) / len(gram)
    best = min(STRENGTHS, key=lambda strength: _left_out_rank(gram, b, strength * unit))
    dual = np.linalg.solve(gram + best * unit * np.eye(len(gram)), b)
    return a.T @ dual, best


def _left_out_rank(gram: Float64Array, b: Float64Array, penalty: float) -> float:
    """Median rank of each class's name for the map fitted without that class.

    The leave-one-out residual of ridge regression is residual / (1 - leverage); Hastie et al., "The Elements of
    Statistical Learning" (2nd ed.), equation 7.64.
    """
    hat = np.linalg.solve(gram + penalty * np.eye(len(gram)), gram).T
    leverage = np.diag(hat)[:, None]
    predicted = (hat @ b - leverage * b) / (1 - leverage)
    unit_b = b / np.linalg.norm(b, axis=1, keepdims=True)
    scores = predicted @ unit_b.T
    return float(np.median((scores > np.diag(scores)[:, None]).sum(axis=1)))
