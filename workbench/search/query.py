"""Queries: sentences and images with weights, and their combination into one vector."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import FloatArray, normalise
from workbench.errors import WorkbenchError

_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
_ALMOST = re.compile(r"([+-]?)(\d+[.,]?\d*|[.,]\d+)")
"""A number with a sign before it or a comma in it: no weight, but before a sentence hardly a sentence."""
_CANCELLED = 1e-4
"""A combination shorter than this (its terms have length 1) is rounding, not a direction."""


@dataclass(frozen=True)
class TextTerm:
    """A sentence with its weight; below 0 it is searched away from."""

    text: str
    weight: float = 1.0

    def __str__(self) -> str:
        return _weighted(f'"{self.text}"', self.weight)


@dataclass(frozen=True)
class ImageTerm:
    """An image with its weight.

    Attributes:
        name: Its name in messages and records.
        feature: Its projected feature, shape (d,), of the model that is searched with.
        weight: Below 0 it is searched away from.
    """

    name: str
    feature: FloatArray
    weight: float = 1.0

    def __str__(self) -> str:
        return _weighted(f"image {self.name}", self.weight)


Term = TextTerm | ImageTerm


def parse_terms(arguments: Sequence[str]) -> tuple[TextTerm, ...]:
    """Sentences as they stand on a command line.

    `+` and `-`, each an argument of its own, add the sentence after them or search away from it; a number before a
    sentence is its weight: `2 "red fruit" + "a bird" - 0.5 "a branch"`. A sentence without a sign is added. An argument
    is never looked into: `"C++ - a book"` is one sentence.

    Args:
        arguments: One item for each sentence, sign and weight.

    Raises:
        WorkbenchError: A sentence is empty, a sign has none after it, or a weight is 0 or has a sign or comma.
    """
    terms: list[TextTerm] = []
    sign, weight = "", None
    for i, argument in enumerate(arguments):
        if argument in {"+", "-"}:
            if sign or weight is not None:
                raise WorkbenchError(f"search: a sentence must follow {arguments[i - 1]!r}, got {argument!r}.")
            sign = argument
        elif weight is None and i + 1 < len(arguments) and _is_text(arguments[i + 1]) and _ALMOST.fullmatch(argument):
            weight = _weight(argument, arguments[i + 1])
        elif not argument.strip():
            raise WorkbenchError("search: a sentence is empty.")
        else:
            value = 1.0 if weight is None else weight
            terms.append(TextTerm(argument, -value if sign == "-" else value))
            sign, weight = "", None
    if sign:
        raise WorkbenchError(f"search: a sentence must follow {sign!r}, and there is none.")
    return tuple(terms)


def parse_line(line: str) -> tuple[TextTerm, ...]:
    """Sentences as they are typed into one line: it is one sentence, or, with quotation marks, as on a command line.

    `a cat's toy` is a sentence; `2 "red fruit" - "a branch"` are two. Between quotation marks a backslash makes the
    next one part of the sentence: `"a 12\\" pot"`.

    Args:
        line: The line that the user typed.

    Raises:
        WorkbenchError: As `parse_terms` does, or a quotation mark has no partner.
    """
    if '"' not in line:
        return parse_terms([line])
    # Only `"` quotes: an apostrophe is part of a word.
    parts = shlex.shlex(line, posix=True, punctuation_chars="")
    parts.whitespace_split, parts.quotes, parts.escapedquotes, parts.commenters = True, '"', '"', ""
    try:
        arguments = list(parts)
    except ValueError as error:
        raise WorkbenchError(
            f"search: {line!r} has a quotation mark without a partner, or a backslash at its end. Quotation marks "
            'stand around the sentences of a weighted search: 2 "red fruit" - "a branch".'
        ) from error
    return parse_terms(arguments)


def query_vector(terms: Sequence[Term], encode_texts: Callable[[Sequence[str]], FloatArray]) -> FloatArray:
    """The weighted sum of the terms' unit vectors, made a unit vector.

    Texts and images of one meaning lie apart in CLIP's space: beside an image, a sentence needs a larger weight to
    be felt (Liang et al., Mind the Gap, NeurIPS 2022).

    Args:
        terms: At least one.
        encode_texts: Projected features of texts, shape (n, d), such as `CachedModel.encode_texts`.

    Returns:
        Shape (d,), of unit norm.

    Raises:
        WorkbenchError: There is no term, a weight is not finite, or the terms cancel each other out.
    """
    if not terms:
        raise WorkbenchError("search: give at least one sentence or image to search for.")
    odd = next((term for term in terms if not np.isfinite(term.weight)), None)
    if not any(term.weight for term in terms):
        raise WorkbenchError("search: every weight is 0, so there is nothing to search for.")
    if odd is not None:
        raise WorkbenchError(f"search: the weight of {odd} must be a finite number.")
    texts = [term.text for term in terms if isinstance(term, TextTerm)]
    embedded = iter(normalise(encode_texts(texts)) if texts else ())
    units = [next(embedded) if isinstance(term, TextTerm) else normalise(term.feature) for term in terms]
    weights = np.array([term.weight for term in terms], dtype=np.float64)
    total = weights @ np.stack(units)
    if not np.isfinite(total).all():
        raise WorkbenchError(f"search: the features of {' '.join(map(str, terms))} are not finite.")
    if np.linalg.norm(total) <= _CANCELLED * np.abs(weights).max():
        raise WorkbenchError(f"search: the terms {' '.join(map(str, terms))} cancel each other out.")
    return normalise(total.astype(np.float32))


def _weight(argument: str, sentence: str) -> float:
    if not _NUMBER.fullmatch(argument):
        sign, number = argument[:1] if argument[0] in "+-" else "", argument.lstrip("+-").replace(",", ".")
        written = f'{sign} {number} "{sentence}"'.lstrip()
        raise WorkbenchError(
            f"search: {argument!r} before a sentence is no weight; write {written}: the sign, if any, apart, and a "
            "point, not a comma."
        )
    if not float(argument):
        raise WorkbenchError(f'search: the weight of "{sentence}" is 0, so it would not count; leave it out.')
    return float(argument)


def _is_text(argument: str) -> bool:
    return argument not in {"+", "-"}


def _weighted(what: str, weight: float) -> str:
    size = "" if abs(weight) == 1 else f"{abs(weight):g} "
    return f"{'-' if weight < 0 else '+'} {size}{what}"
