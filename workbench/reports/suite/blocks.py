"""Blocks of a document, before it is Markdown or HTML. Texts are plain; each format escapes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list; with a title it is folded away where the format can do that."""

    items: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class TextCell:
    """A cell of a table."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class TableBlock:
    """A table; with a title it is folded away where the format can do that.

    Attributes:
        header: One a column.
        rows: Cells by row.
        numbers: Whether columns behind the first are numbers.
        title: See above.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[TextCell, ...], ...]
    numbers: bool = True
    title: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture as SVG.

    Attributes:
        name: File name without suffix.
        svg: The picture.
        description: Its content, for readers who cannot see it.
    """

    name: str
    svg: bytes
    description: str


Block = Heading | Paragraph | Bullets | TableBlock | Figure
