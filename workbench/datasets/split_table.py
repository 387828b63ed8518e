"""Published splits: which images are train, validation and test, from files that papers hand out.

CoOp's JSON (Zhou et al., IJCV 2022; CLIP-LoRA, BiomedCoOp and others take over its form) holds lists `train`, `val` and
`test` of [path, label, class name]. The JSONL of 2SFS (Farina et al., CVPR 2025) has an image a line, with `_impath`,
`_label` and `_classname`, in a file for each split.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.datasets.card_sources import SplitName
from workbench.datasets.card_tables import Splits
from workbench.datasets.sources import Record, RecordColumns
from workbench.datasets.sources._rows import read_rows
from workbench.datasets.walking import some
from workbench.errors import DataError
from workbench.formatting import counted
from workbench.inputs import parse_json, read_text

_ROLES: tuple[SplitName, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class ListedImage:
    """An image as a file of splits names it.

    Attributes:
        path: With forward slashes; the beginning may be that of another machine.
        label: Number of its class.
        name: Name of its class.
        split: Ours.
    """

    path: str
    label: int
    name: str
    split: SplitName


@dataclass(frozen=True)
class SplitTable:
    """The images of published splits.

    Attributes:
        name: The file as the card names it, or the files.
        images: In the order of the files.
    """

    name: str
    images: Sequence[ListedImage]

    @cached_property
    def digest(self) -> str:
        """Hex digest of what it says."""
        rows = [[image.path, image.label, image.name, image.split] for image in self.images]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    @cached_property
    def classes(self) -> dict[str, str]:
        """Class names as the file writes them and as they are spoken, in the order of their labels.

        CoOp takes spaces for underscores in its prompts, as here.
        """
        names = [name for _, name in sorted({(image.label, image.name) for image in self.images})]
        spoken = {name: name.replace("_", " ").strip() for name in names}
        return spoken if len(set(spoken.values())) == len(spoken) else {name: name for name in names}

    def applied(
        self, records: Sequence[Record], splits: Splits, dataset: str
    ) -> tuple[Sequence[Record], dict[str, str], list[str]]:
        """Records with the splits of the files; images without a label have that of the files.

        Args:
            records: The source's.
            splits: The card's names of splits.
            dataset: The dataset's name, for messages.

        Returns:
            The records that are listed; raw label to the files' class name, where each label has one of its own; and
            sentences about what is not there, what is not listed and what is labelled otherwise.

        Raises:
            DataError: No image that is named is there, or a name may mean several.
        """
        listed, missing = self._found(records, dataset)
        if records and not listed:
            raise DataError(
                f"dataset {dataset!r}: {self.name} names none of its {len(records)} images; it names "
                f"{self.images[0].path!r}, and there is {_place(records[0])!r}. Paths must end alike."
            )
        chosen = RecordColumns(
            replace(record, split=getattr(splits, image.split), labels=record.labels or (image.name,))
            for i, record in enumerate(records)
            if (image := listed.get(i)) is not None
        )
        notes = []
        if missing:
            notes.append(f"{counted(len(missing), 'image')} of {self.name} are not there: {some(missing)}.")
        rest = [_place(record) for i, record in enumerate(records) if i not in listed]
        if rest:
            are = "is" if len(rest) == 1 else "are"
            notes.append(
                f"{counted(len(rest), 'image')} {are} left out, since {self.name} does not list them: {some(rest)}."
            )
        names, more = self._names([(records[i], image) for i, image in listed.items()])
        return chosen, names, [*notes, *more]

    def _found(self, records: Sequence[Record], dataset: str) -> tuple[dict[int, ListedImage], list[str]]:
        """Position of a record to what is said of it, and the paths of images that are not there."""
        ending: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        for i, record in enumerate(records):
            parts = PurePosixPath(_place(record)).parts
            ending.setdefault(parts[-1], []).append((i, parts))
        found: dict[int, ListedImage] = {}
        missing = []
        for image in self.images:
            parts = PurePosixPath(image.path.replace("\\", "/")).parts
            alike = [(i, own) for i, own in ending.get(parts[-1] if parts else "", ()) if _end_alike(own, parts)]
            longest = max((min(len(own), len(parts)) for _, own in alike), default=0)
            best = [i for i, own in alike if min(len(own), len(parts)) == longest]
            if not best:
                missing.append(image.path)
                continue
            if len(best) > 1:
                both = " and ".join(repr(_place(records[i])) for i in best[:2])
                raise DataError(f"dataset {dataset!r}: {self.name} names {image.path!r}, which may be {both}.")
            before = found.setdefault(best[0], image)
            if before is not image and before != image:
                raise DataError(
                    f"dataset {dataset!r}: {self.name} names {_place(records[best[0]])!r} twice, in {before.split} as "
                    f"{before.name!r} ({before.path}) and in {image.split} as {image.name!r} ({image.path})."
                )
        return found, missing

    def _names(self, pairs: Sequence[tuple[Record, ListedImage]]) -> tuple[dict[str, str], list[str]]:
        """Raw label to class name where both name the same classes, and a sentence about images that differ."""
        labelled = [(record.labels[0], image.name) for record, image in pairs if len(record.labels) == 1]
        if not labelled:
            return self.classes, []
        times: dict[str, Counter[str]] = {}
        for label, name in labelled:
            times.setdefault(label, Counter())[name] += 1
        usual = {label: counter.most_common(1)[0][0] for label, counter in times.items()}
        if len(set(usual.values())) < len(usual):
            return {}, [f"The classes of {self.name} are not those of the images' own labels, which hold."]
        other = sum(name != usual[label] for label, name in labelled)
        order = list(self.classes)
        names = {
            label: self.classes[name] for label, name in sorted(usual.items(), key=lambda pair: order.index(pair[1]))
        }
        if not other:
            return names, []
        have, own = ("has", "its") if other == 1 else ("have", "their")
        note = f"{counted(other, 'image')} {have} another class in {self.name} than {own} own label, which holds."
        return names, [note]


def read_split_table(files: Mapping[SplitName | None, Path], name: str) -> SplitTable:
    """The splits of one JSON file with all three (`None`), or of a JSON or JSONL file for each.

    Raises:
        DataError: A file cannot be read, or is of another form; the message names the place.
    """
    images = [image for role, path in files.items() for image in _read(path, role)]
    if not images:
        raise DataError(f"{', '.join(map(str, files.values()))}: names no image.")
    return SplitTable(name, images)


def _read(path: Path, role: SplitName | None) -> Iterator[ListedImage]:
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        if role is None:
            raise DataError(
                f"{path}: a .jsonl file holds one split; say which in the card, "
                'as in splits.file = { train = "..._train.jsonl", val = "..._val.jsonl", test = "split.json" }.'
            )
        for number, row in read_rows(path):
            values = [row.get(f"_{key}", row.get(key)) for key in ("impath", "label", "classname")]
            yield _image(values, role, f"{path}, line {number}", "an object with _impath, _label and _classname")
        return
    content = parse_json(read_text(path, DataError), str(path), DataError)
    lists = content if isinstance(content, dict) else {}
    for split in _ROLES if role is None else (role,):
        rows = lists.get(split)
        if not isinstance(rows, list):
            raise DataError(
                f"{path}: expected lists train, val and test of [path, label, class name]; {split} is none."
            )
        for number, row in enumerate(rows, 1):
            yield _image(row, split, f"{path}, {split} {number}", "[path, label, class name]")


def _image(values: Any, split: SplitName, where: str, expected: str) -> ListedImage:
    match values:
        case [str(path), int(label), str(name)] if path.strip("/") and name.strip():
            return ListedImage(path, label, name.strip(), split)
    raise DataError(f"{where}: expected {expected}.")


def _place(record: Record) -> str:
    """The path of an image; of one that is no file of its own, its id."""
    location = record.location
    return location.file if (location.offset, location.row) == (-1, -1) else record.id


def _end_alike(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether one of two paths is the end of the other."""
    shared = min(len(first), len(second))
    return first[-shared:] == second[-shared:]
