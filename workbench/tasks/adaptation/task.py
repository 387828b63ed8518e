"""The task: adapt a network to a field by its images and texts; `workbench adapt` makes its runs."""

from typing import ClassVar

from workbench.tasks.task import Task

NAME = "adaptation"
NETWORK = "network"
"""The artifact that holds the weights after training which differ from those before; `alpha` of `config.json` says how
far the run's network goes from these to those."""


class Adaptation(Task):
    """Runs have a network, and what it brings and costs on datasets that have runs of their own."""

    in_tables: ClassVar[tuple[str, ...]] = ("in_domain", "in_domain_before", "retention", "retention_before")
    items: ClassVar[str] = "the test images of the datasets that an adaptation is for, and of those it must not forget"
