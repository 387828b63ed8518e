"""A card's table `[dicom]`: what is kept of the tags of DICOM files."""

from typing import Literal

from workbench.datasets.card_sources import Section


class DicomTags(Section):
    """What of the tags becomes columns, where no table has them.

    Attributes:
        ids: `hashed` keeps patients, studies and series under names from which theirs cannot be read; `plain` as they
            stand in the files, and so in predictions and records.
    """

    ids: Literal["hashed", "plain"] = "hashed"
