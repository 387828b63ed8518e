"""Each box of a COCO file as an image of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.datasets.card_sources import SourceTable
from workbench.datasets.images import decode_image
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._coco_rows import CocoRows
from workbench.datasets.sources.coco import CocoReader
from workbench.datasets.unreadable import UnreadableImageError

if TYPE_CHECKING:
    from PIL.Image import Image

_BITS = 15
_LARGEST = 2**_BITS - 1


class CocoBoxReader(CocoReader):
    """The bytes of an image are its box and the file that it is cut out of, so that both decide what it is known by."""

    def _records(self, rows: CocoRows) -> list[Record]:
        return list(_located(rows))

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        data = super().read(location._replace(row=-1))
        # An empty file stays one.
        return b" ".join(b"%d" % edge for edge in _unpacked(location.row)) + b"\n" + data if data else b""

    def decode(self, data: bytes, location: Location) -> "Image":  # noqa: ARG002
        """See `Source.decode`: what the box has of the upright image."""
        box, _, whole = data.partition(b"\n")
        left, top, right, bottom = map(int, box.split())
        image = decode_image(whole)
        if left >= image.width or top >= image.height:
            raise UnreadableImageError(
                f"the box ({left}, {top}, {right}, {bottom}) is outside of the image of {image.width} x {image.height}"
            )
        return image.crop((left, top, min(right, image.width), min(bottom, image.height)))

    @classmethod
    def rendering(cls, table: SourceTable) -> Mapping[str, object]:  # noqa: ARG003
        """See `Source.rendering`: nothing, since the box is part of the bytes."""
        return {}


def _located(rows: CocoRows) -> Iterator[Record]:
    for record, box in rows.of_boxes():
        left, top, right, bottom = (max(0, edge) for edge in box.corners)
        if max(left, top) >= _LARGEST:
            rows.unread.add(f"box beyond {_LARGEST:,} pixels", f"boxes beyond {_LARGEST:,} pixels", record.id)
            continue
        row = _packed((left, top, min(right, _LARGEST), min(bottom, _LARGEST)))
        yield replace(record, location=record.location._replace(row=row))


def _packed(box: tuple[int, int, int, int]) -> int:
    """How a manifest keeps the box: four numbers of 15 bits in one."""
    row = 0
    for edge in box:
        row = row << _BITS | edge
    return row


def _unpacked(row: int) -> tuple[int, ...]:
    """The inverse of `_packed`."""
    return tuple(row >> _BITS * place & _LARGEST for place in (3, 2, 1, 0))
