"""Frames are where the answers' boxes are, in the colours of right and chosen."""

import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from dashboards.views.outlines import CHOSEN, OTHER, RIGHT, draw, frame_of, outlines_of
from dashboards.views.pictures import thumbnail
from workbench.tasks import ScoredAnswer

ANSWERS = (
    ScoredAnswer("box 1", 2.0, 0.7, is_chosen=True, box=(10, 20, 40, 60)),
    ScoredAnswer("box 2", 1.0, 0.2, is_right=True, box=(50, 40, 90, 80)),
    ScoredAnswer("box 3", 0.0, 0.1, box=(5, 82, 30, 96)),
)


@pytest.mark.parametrize("scale", [1, 4])
def test_boxes_are_drawn_where_they_are(scale):
    picture = Image.new("RGB", (100 * scale, 100 * scale), "grey")
    draw(picture, outlines_of(ANSWERS), (100, 100))
    right, chosen, other, grey = (ImageColor.getrgb(colour) for colour in (RIGHT, CHOSEN, OTHER, "grey"))
    expected = {(50, 60): right, (10, 40): chosen, (5, 90): other, (70, 60): grey, (25, 40): grey}
    assert {(x, y): picture.getpixel((x * scale, y * scale)) for x, y in expected} == expected


def test_scores_say_what_is_right_and_chosen():
    assert [outline.label for outline in outlines_of(ANSWERS)] == ["10.0 %", "chosen 70.0 %", "right 20.0 %"]


def test_of_many_boxes_only_those_that_matter_are_labelled():
    many = [*ANSWERS, *(ScoredAnswer("box", 0.0, 0.0, box=(k, k, k + 5, k + 5)) for k in range(20))]
    assert [outline.label for outline in outlines_of(many) if outline.label] == ["chosen 70.0 %", "right 20.0 %"]


def test_a_picture_is_framed_if_it_is_right_or_chosen():
    assert [outline.colour for outline in frame_of(ScoredAnswer("a", is_right=True, is_chosen=True))] == [RIGHT]
    assert [outline.colour for outline in frame_of(ScoredAnswer("a", is_chosen=True))] == [CHOSEN]
    assert frame_of(ScoredAnswer("a")) == ()


def test_boxes_past_the_edge_are_drawn_at_it():
    picture = Image.new("RGB", (50, 50))
    draw(picture, outlines_of([ScoredAnswer("b", is_right=True, box=(-20, -5, 500, 30))]), (50, 50))
    assert picture.getpixel((0, 20)) == ImageColor.getrgb(RIGHT)


class OnePicture:
    """A dataset of one small picture."""

    def decode(self, row):
        return Image.new("RGB", (40, 20), "grey")


def test_a_small_picture_with_boxes_is_enlarged_and_one_without_is_not():
    plain, boxed = (thumbnail(OnePicture(), 0, 320, outlines) for outlines in ((), frame_of(ANSWERS[0])))
    assert Image.open(io.BytesIO(plain)).size == (40, 20)
    assert Image.open(io.BytesIO(boxed)).size == (320, 160)
    assert np.ptp(np.asarray(Image.open(io.BytesIO(boxed)))) > 100
