"""The interface of formats."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.datasets.card_pixels import Limits, Pixels


@dataclass(frozen=True)
class Header:
    """What is known of an image's pixels before they are decoded.

    Attributes:
        depth: Bits of a channel in words, `8 bits` or `floating point`; empty where the header cannot be read.
        mapped: Whether its values become 8 bits by a window or range, so that its pixels depend on the card.
        whole: Whether its values are whole numbers.
        pages: Number of pages or frames.
        windowed: Whether the file says by itself which values become black and white.
        usual_page: The page that is read where the card names none.
        burned_in: Whether the file says that text is part of its pixels.
    """

    depth: str = ""
    mapped: bool = False
    whole: bool = True
    pages: int = 1
    windowed: bool = False
    usual_page: Literal["first", "middle"] = "first"
    burned_in: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing of a card but `invert` and `page` decides its pixels, and there is nothing else to say."""
        return not self.mapped and self.pages == 1 and not self.burned_in


class Format(ABC):
    """Reads images of one format. All methods may be called from several threads."""

    name: ClassVar[str]

    @abstractmethod
    def recognises(self, data: bytes) -> bool:
        """Whether bytes are of this format, by their beginning."""

    @abstractmethod
    def header(self, data: bytes) -> Header:
        """The header.

        Raises:
            MissingExtraError: The packages that read the format are not installed.
            Exception: It cannot be read.
        """

    @abstractmethod
    def extrema(self, data: bytes) -> "Limits | None":
        """Lowest and highest finite value of all pages of a `mapped` image; None where there is none; raises as it."""

    @abstractmethod
    def image(self, data: bytes, pixels: "Pixels") -> "Image":
        """The image in RGB, not inverted by the card.

        Args:
            data: The bytes.
            pixels: The settings; where they leave the range open, the image is taken by itself.

        Raises:
            UnreadableImageError: It cannot be decoded; the message is the reason alone.
            MissingExtraError: The packages that read the format are not installed.
        """

    @abstractmethod
    def size(self, data: bytes, pixels: "Pixels") -> tuple[int, int]:
        """Width and height of `image` from the header alone; raises as it."""

    @abstractmethod
    def kind(self, data: bytes) -> str:
        """The format in words, `DICOM CT MONOCHROME2`; raises as `header`."""
