"""The card of a folder of pictures without labels: to look at, to search, to embed."""

from pathlib import Path
from typing import ClassVar

from workbench.datasets._spelling import spelt_as_name
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_tables import Columns
from workbench.datasets.sources.folder import FolderTable
from workbench.metrics import Metric


class UnlabelledCard(DatasetCard):
    """Pictures of which nothing is asked; no run can be made on them, and they have no splits."""

    makes_splits: ClassVar[bool] = False

    def measured(self) -> tuple[Metric, ...]:
        """Nothing."""
        return ()


def unlabelled_card(path: Path) -> DatasetCard:
    """The card of a folder whose pictures have no labels.

    Args:
        path: The folder; pictures may lie at any depth.
    """
    root = path.resolve()
    return UnlabelledCard(
        name=spelt_as_name(root.name) or "folder",
        title=root.name,
        task="none",
        source=FolderTable(type="folder", path=str(root), class_folder="none"),
        columns=Columns(),
    )
