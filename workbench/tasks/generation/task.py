"""The task: judge generated images by their prompts, and against a reference set; `workbench judge` makes its runs."""

from typing import ClassVar

from workbench.tasks.task import Task

NAME = "generation"


class Generation(Task):
    """Runs have scores of generated images, and no test items in common with others."""

    in_tables: ClassVar[tuple[str, ...]] = ("clip_score", "prompt_accuracy", "cmmd")
    items: ClassVar[str] = "generated images with a prompt each"
