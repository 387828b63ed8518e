"""A card's table `[decisions]`: what is made of scores, and chosen on validation images."""

from typing import Literal

from pydantic import Field, field_validator

from workbench.datasets.card_sources import Section
from workbench.metrics.operating_points import parse_point

Join = Literal["mean", "max", "noisy-or"]
Calibration = Literal["temperature", "vector"]


class DecisionTable(Section):
    """What is made of scores. Recipes are then not fitted on validation images: these stay apart for the choices.

    Attributes:
        points: Operating points at which positive is told from negative, see `workbench.metrics.operating_points`.
        prevalence: Share of positives where the answers will be used, for predictive values there, too.
        join: Whether images of a group are answered together, and how: `mean`, `max` or `noisy-or` of their
            probabilities, or `chosen`, the one of the three that is best on validation.
        calibration: Whether scores are calibrated after the fit: by one number for all classes (`temperature`), or by a
            factor and an offset for each (`vector`).
        coverage: How often sets of classes are to hold the true one; no sets without it.
        backoff: Share of the answers that is to be right where an image is answered by the lowest rank that is sure
            enough (species, else genus, else family), or by none; see `workbench.metrics.hierarchy`.
        known: Share of the validation images that are to be taken for images of known classes, where test has some of
            others (`splits.unknown`).
    """

    points: tuple[str, ...] = ()
    prevalence: float | None = Field(default=None, gt=0, lt=1)
    join: Join | Literal["chosen"] | None = None
    calibration: Calibration | None = None
    coverage: float | None = Field(default=None, gt=0, lt=1)
    backoff: float | None = Field(default=None, gt=0, lt=1)
    known: float = Field(default=0.95, gt=0, lt=1)

    @field_validator("points")
    @classmethod
    def _are_points(cls, points: tuple[str, ...]) -> tuple[str, ...]:
        for point in points:
            parse_point(point)
        twice = next((point for point in points if points.count(point) > 1), None)
        if twice is not None:
            raise ValueError(f"operating point {twice!r} is named twice")
        return points
