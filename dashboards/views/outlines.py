"""Right and chosen answers drawn into pictures: frames about boxes, or about the whole picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.formatting import format_number, format_share
from workbench.tasks import ScoredAnswer

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw as Pen
    from PIL.ImageFont import FreeTypeFont, ImageFont

RIGHT, CHOSEN, OTHER = "#009E73", "#D55E00", "#FFFFFF"
"""Green and vermilion of Okabe and Ito, apart for colour-blind eyes, too; and what was neither."""

_EDGE = "#202020"
_LABELLED = 12
"""With more boxes, only the right and the chosen one are labelled."""


@dataclass(frozen=True)
class Outline:
    """A frame in a picture.

    Attributes:
        colour: Hexadecimal.
        label: Words at its upper left corner, or nothing.
        box: In pixels of the upright image; None for the whole picture.
        strong: Whether its line is thick.
    """

    colour: str
    label: str = ""
    box: tuple[int, int, int, int] | None = None
    strong: bool = True


def outlines_of(answers: Sequence[ScoredAnswer]) -> tuple[Outline, ...]:
    """Boxes of answers with their scores: right ones green, a wrong chosen one vermilion, those drawn last."""
    boxed = sorted((answer for answer in answers if answer.box), key=lambda answer: (answer.is_right, answer.is_chosen))
    few = len(boxed) <= _LABELLED
    return tuple(
        Outline(_colour(answer), answer_words(answer) if few or strong else "", answer.box, strong)
        for answer in boxed
        for strong in [answer.is_right or answer.is_chosen]
    )


def frame_of(answer: ScoredAnswer) -> tuple[Outline, ...]:
    """The frame of a picture that is an answer; none where it is neither right nor chosen."""
    return (Outline(_colour(answer)),) if answer.is_right or answer.is_chosen else ()


def answer_words(answer: ScoredAnswer) -> str:
    """The score, with what the answer is in words, so that nothing rests on colour alone."""
    if answer.share is not None:
        value = format_share(answer.share)
    else:
        value = "" if answer.score is None else format_number(answer.score)
    return " ".join(part for part in (marks_of(answer), value) if part)


def marks_of(answer: ScoredAnswer) -> str:
    """Whether an answer is right, and whether it is the chosen one, in words."""
    return ", ".join([*(["chosen"] if answer.is_chosen else []), *(["right"] if answer.is_right else [])])


def draw(picture: "Image", outlines: Sequence[Outline], full_size: tuple[int, int]) -> None:
    """Draw frames into a picture.

    Args:
        picture: A copy of the image, possibly smaller.
        outlines: In order; later ones lie above.
        full_size: Width and height of the image that boxes count pixels of.
    """
    from PIL import ImageDraw, ImageFont

    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=max(10, min(26, picture.width // 24)))
    across, down = picture.width / full_size[0], picture.height / full_size[1]
    for outline in outlines:
        width = 3 if outline.strong else 1
        left, top, right, bottom = outline.box or (0, 0, *full_size)
        # Boxes may reach past the image; a frame must stay in it to be seen.
        corners = (
            max(0, round(left * across)), max(0, round(top * down)),
            min(picture.width, round(right * across)) - 1, min(picture.height, round(bottom * down)) - 1,
        )  # fmt: skip
        if corners[2] <= corners[0] or corners[3] <= corners[1]:
            continue
        if outline.box is None:
            width = max(4, picture.width // 30)
        else:
            around = (max(0, corners[0] - 1), max(0, corners[1] - 1), corners[2] + 1, corners[3] + 1)
            pen.rectangle(around, outline=_EDGE, width=width + 2)
        pen.rectangle(corners, outline=outline.colour, width=width)
        if outline.label:
            _write(pen, font, outline, corners, picture.size)


def _write(
    pen: "Pen", font: "FreeTypeFont | ImageFont", outline: Outline, corners: tuple[int, ...], size: tuple[int, int]
) -> None:
    """The label in a box of the frame's colour, inside of the picture."""
    left, top, right, bottom = pen.textbbox((0, 0), outline.label, font=font)
    width, height = right - left + 6, bottom - top + 4
    x = max(0, min(corners[0], size[0] - width))
    y = corners[1] - height if corners[1] >= height else min(corners[1], size[1] - height)
    pen.rectangle((x, y, x + width, y + height), fill=outline.colour)
    ink = "black" if outline.colour == OTHER else "white"
    pen.text((x + 3 - left, y + 2 - top), outline.label, fill=ink, font=font)


def _colour(answer: ScoredAnswer) -> str:
    if answer.is_right:
        return RIGHT
    return CHOSEN if answer.is_chosen else OTHER
