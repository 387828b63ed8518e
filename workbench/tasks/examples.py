"""A test item and the answers of a run, for people to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Example:
    """A test item and how a run did on it.

    Attributes:
        place: Its position among the predictions.
        item: Its id.
        image: Image id, or None where the item is a text.
        title: The item in a few words.
        what: What was answered, in words.
        is_right: Whether that is right; None where there is no right and wrong, as of captions.
        parts: Values that users can filter by: `true class`, `category`, `group`, ...
        chance: The probability of being right by picking any answer; None where that says nothing.
    """

    place: int
    item: str
    image: str | None
    title: str
    what: str
    is_right: bool | None = False
    parts: Mapping[str, str] = field(default_factory=dict)
    chance: float | None = None


@dataclass(frozen=True)
class ScoredAnswer:
    """One of the answers to a test item.

    Attributes:
        text: The answer in words: a class, a sentence, a box.
        score: The run's score, or None.
        share: The probability among the answers, or None where scores are no probabilities.
        is_right: Whether it is a right answer.
        is_chosen: Whether the run gave it.
        image: The image that is the answer, or that the text is about where an item has several; otherwise None.
        box: The box that is the answer: left, top, right, bottom in pixels of the upright image of the item.
    """

    text: str
    score: float | None = None
    share: float | None = None
    is_right: bool = False
    is_chosen: bool = False
    image: str | None = None
    box: tuple[int, int, int, int] | None = None
