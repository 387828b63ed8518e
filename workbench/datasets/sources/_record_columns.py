"""Records of very many images in little memory: as columns, from which a record is made when it is looked at."""

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Self, SupportsIndex, TypeVar, overload

from workbench.datasets.sources._base import Location, Record

V = TypeVar("V")
_NONE = b"\xff"  # Which no text begins with.


class RecordColumns(Sequence[Record]):
    """A list of records that grows at its end; it takes about a fifth of the memory that as many objects take.

    Texts of one row after another that are equal, such as the shard that they lie in, are kept once.

    Args:
        records: The first of them.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._ids, self._files, self._groups, self._extras, self._captions = (_Texts() for _ in range(5))
        self._labels: _Codes[tuple[str, ...]] = _Codes()
        self._unknown: _Codes[tuple[str, ...]] = _Codes()
        self._splits: _Codes[str | None] = _Codes()
        self._places = tuple(array("q") for _ in range(3))
        self.extend(records)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Records as columns; those that are already stay as they are."""
        return records if isinstance(records, cls) else cls(records)

    def append(self, record: Record) -> None:
        """Add a record."""
        location = record.location
        self._ids.append(record.id)
        self._files.append(location.file)
        for place, value in zip(self._places, location[1:], strict=True):
            place.append(value)
        self._labels.append(record.labels)
        self._splits.append(record.split)
        self._groups.append(record.group)
        self._captions.append(json.dumps(record.captions) if record.captions else None)
        self._extras.append(record.extra)
        self._unknown.append(record.unknown)

    def extend(self, records: Iterable[Record]) -> None:
        """Add records."""
        for record in records:
            self.append(record)

    def __len__(self) -> int:
        return len(self._places[0])

    @overload
    def __getitem__(self, index: SupportsIndex) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Record | Self:
        if isinstance(index, slice):
            return type(self)(self[i] for i in range(*index.indices(len(self))))
        i = range(len(self))[index]
        captions = self._captions[i]
        return Record(
            self._ids[i] or "",
            Location(self._files[i] or "", *(place[i] for place in self._places)),
            self._labels[i],
            self._splits[i],
            self._groups[i],
            () if captions is None else tuple(json.loads(captions)),
            self._extras[i] or "",
            self._unknown[i],
        )

    def __iter__(self) -> Iterator[Record]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # As lists.


class _Texts:
    """Texts or None, joined; runs of equal ones are kept once."""

    def __init__(self) -> None:
        self._run = array("i")
        self._data = bytearray()
        self._ends = array("q", [0])
        self._last: bytes | None = None

    def append(self, text: str | None) -> None:
        # Names of files may hold bytes that are no UTF-8.
        data = _NONE if text is None else text.encode("utf-8", "surrogatepass")
        if data != self._last:
            self._data += data
            self._ends.append(len(self._data))
            self._last = data
        self._run.append(len(self._ends) - 2)

    def __getitem__(self, i: int) -> str | None:
        run = self._run[i]
        data = self._data[self._ends[run] : self._ends[run + 1]]
        return None if data == _NONE else data.decode("utf-8", "surrogatepass")


class _Codes(Generic[V]):
    """Values of which most occur again and again."""

    def __init__(self) -> None:
        self._code_of: dict[V, int] = {}
        self._values: list[V] = []
        self._codes = array("i")

    def append(self, value: V) -> None:
        code = self._code_of.get(value)
        if code is None:
            code = self._code_of[value] = len(self._values)
            self._values.append(value)
        self._codes.append(code)

    def __getitem__(self, i: int) -> V:
        return self._values[self._codes[i]]
