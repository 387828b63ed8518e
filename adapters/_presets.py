"""Presets: a recipe's quick default, or the training budget that its paper published."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from workbench.plugin import RecipeConfig


class PresetConfig(RecipeConfig):
    """Settings of a recipe whose paper publishes a training budget.

    Attributes:
        preset: `quick` takes fewer and larger steps, and lets validation choose; `paper` takes steps, optimiser, rate
            and augmentation as published. A setting that the user gives overrides the preset's.
    """

    paper: ClassVar[Mapping[str, Any]] = {}
    """The settings of `paper`."""

    preset: Literal["quick", "paper"] = "quick"

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("preset") == "paper":
            return {**cls.paper, **values}
        return values
