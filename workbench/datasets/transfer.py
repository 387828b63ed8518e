"""A transfer: training images of one dataset or domain, test images of another."""

from dataclasses import dataclass
from typing import Literal

Classes = Literal["same", "shared", "text"]
Side = Literal["source", "target"]
OTHER_DOMAINS = "other domains"
"""In place of the source's name where one domain is left out of training."""
ALL_DOMAINS = "all domains"
"""What runs are fitted on that are in-domain there."""
EACH_DOMAIN = "each domain in turn"


@dataclass(frozen=True)
class Transfer:
    """What a run of a transfer opens: where its training images are from, and where its test images.

    Runs to compare with, whose training images are from the dataset of the test images, are of the transfer, too, where
    it leaves out classes or domains.

    Attributes:
        source: Argument of the source dataset.
        target: Argument of the target dataset; the same where domains are left out.
        classes: `same`, `shared` (those that both have; others are left out) or `text` (a recipe is fitted on the
            source's classes, and scores the target's by their text).
        mapping: Names or raw labels of classes of the source, each with that of the target's class that it is.
        domain: The domain that is tested; `EACH_DOMAIN` before it is known which there are; None where whole datasets
            are.
        trained_on: Which side's training images are taken.
        tested_on: Which side's test images are taken.
    """

    source: str
    target: str
    classes: Classes = "same"
    mapping: tuple[tuple[str, str], ...] = ()
    domain: str | None = None
    trained_on: Side = "source"
    tested_on: Side = "target"

    @property
    def dataset(self) -> str:
        """Argument of the dataset that results are on."""
        return self.source if self.tested_on == "source" else self.target

    @property
    def tested(self) -> str:
        """What the test images are of, whatever is trained on."""
        if self.domain is not None:
            return f"{self.target}, {self.domain if self.domain == EACH_DOMAIN else f'domain {self.domain}'}"
        other = self.target if self.tested_on == "source" else self.source
        return f"{self.dataset}, classes shared with {other}" if self.classes == "shared" else self.dataset

    @property
    def is_across(self) -> bool:
        """Whether training images are from elsewhere than the test images."""
        return self.trained_on != self.tested_on

    def __str__(self) -> str:
        """What is opened; the same text is the same dataset."""
        if not self.is_across:
            return self.tested
        by_text = ", classes by their text" if self.classes == "text" else ""
        return f"{self.tested} from {self.source if self.domain is None else OTHER_DOMAINS}{by_text}"
