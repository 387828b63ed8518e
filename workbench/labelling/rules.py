"""From probabilities of classes to rows of a table: none of these, near ties, one answer for images of a group."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError

NONE_OF_THESE = "none of these"


@dataclass(frozen=True)
class LabelRules:
    """How probabilities become answers.

    Attributes:
        top: Classes named for each image.
        none_below: The answer is `none of these` where the likeliest class has a smaller probability; None never.
        tie_within: Two classes are nearly tied where their probabilities differ by less; 0 never.
        group_by: `folder`, or a regular expression that is searched in the file's path: images with the same folder, or
            the same text in its first group (or match), are of one thing and have one joint answer. None has no groups.
    """

    top: int = 5
    none_below: float | None = None
    tie_within: float = 0.1
    group_by: str | None = None

    def __post_init__(self) -> None:
        if self.group_by is not None and self.group_by != "folder":
            try:
                re.compile(self.group_by)
            except re.error as error:
                raise WorkbenchError(
                    f"--group-by {self.group_by!r}: expected 'folder' or a regular expression ({error})."
                ) from error

    def group_of(self, file: str) -> str | None:
        """The group of a file; None where there are no groups, or the expression finds nothing in its path."""
        if self.group_by is None:
            return None
        if self.group_by == "folder":
            return PurePosixPath(file).parent.as_posix()
        found = re.search(self.group_by, file)
        if found is None:
            return None
        return found[1] if found.re.groups else found[0]


def label_rows(
    files: Sequence[str],
    probabilities: AnyArray,
    class_names: Sequence[str],
    rules: LabelRules,
    errors: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """A row for each image.

    The joint answer of a group is the class with the largest product of its images' probabilities, and its
    probability is their geometric mean over images, normalised over classes: images of one thing are not independent,
    so that twice as many alike make no answer surer.

    Args:
        files: Readable images, as they are called.
        probabilities: (n, c), of each image over the classes.
        class_names: The classes.
        rules: What to say.
        errors: Further images that could not be read, with the reason.

    Returns:
        Columns `file`, `answer`, `near_tie`, `class_1`, `probability_1`, ... and, with groups, `group`, `group_answer`
        and `group_probability`; `error` where an image could not be read. In the order of the files' names.
    """
    rows = {file: _row(file, chances, class_names, rules) for file, chances in zip(files, probabilities, strict=True)}
    if rules.group_by is not None:
        by_group: dict[str, list[int]] = {}
        for i, file in enumerate(files):
            group = rules.group_of(file)
            if group is not None:
                by_group.setdefault(group, []).append(i)
        for group, members in by_group.items():
            chances = _joint(probabilities[members])
            best = int(np.argmax(chances))
            for i in members:
                rows[files[i]] |= {
                    "group": group,
                    "group_answer": _answer(chances, class_names, rules),
                    "group_probability": round(float(chances[best]), 6),
                }
    rows |= {file: {"file": file, "error": reason} for file, reason in (errors or {}).items()}
    return [rows[file] for file in sorted(rows)]


def _row(file: str, chances: AnyArray, class_names: Sequence[str], rules: LabelRules) -> dict[str, Any]:
    order = np.argsort(-chances, kind="stable")
    near = len(order) > 1 and chances[order[0]] - chances[order[1]] < rules.tie_within
    row: dict[str, Any] = {"file": file, "answer": _answer(chances, class_names, rules), "near_tie": bool(near)}
    for place, c in enumerate(order[: rules.top], 1):
        row |= {f"class_{place}": class_names[c], f"probability_{place}": round(float(chances[c]), 6)}
    return row


def _answer(chances: AnyArray, class_names: Sequence[str], rules: LabelRules) -> str:
    best = int(np.argmax(chances))
    return NONE_OF_THESE if rules.none_below is not None and chances[best] < rules.none_below else class_names[best]


def _joint(probabilities: AnyArray) -> AnyArray:
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities).mean(axis=0)
    joint = np.exp(logs - logs.max()) if np.isfinite(logs.max()) else probabilities.mean(axis=0)
    return np.asarray(joint / joint.sum())
