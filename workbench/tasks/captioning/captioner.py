"""The predictor that recipes return for captioning."""

from abc import ABC, abstractmethod

from workbench.images import ImageSet
from workbench.recipes import Fitted


class Captioner(Fitted, ABC):
    """Describes images. The caption of an image does not depend on the batch it comes in."""

    @abstractmethod
    def captions(self, images: ImageSet) -> list[str]:
        """One caption for each image."""
