"""COCO JSON: images, annotations with boxes, labels and texts, and categories.

Format: https://cocodataset.org/#format-data. Its relatives are read as well: images without boxes but with labels (COCO
Camera Traps), images without a file name but with an address (LVIS), a caption for each image entry (MDETR).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from workbench.datasets.sources._columns import text
from workbench.datasets.sources._unread import Unread
from workbench.errors import DataError
from workbench.inputs import MAX_IMAGE_BYTES, parse_json, read_text
from workbench.texts import shown

Corners = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

_TEXTS = ("sentences", "captions", "answer", "sent", "sentence", "expression", "caption")
"""Keys of texts in the published forms, the plainer ones first."""
_OF_SENTENCES = ("original_id", "tokens_negative", "dataset_name")
_UNKNOWN_IMAGE = "annotation of an image that it does not list", "annotations of images that it does not list"
_UNKNOWN_CATEGORY = "annotation's category, which it does not list", "annotations' categories, which it does not list"
_NO_BOX = "box that is no four numbers", "boxes that are no four numbers"


@dataclass(frozen=True)
class Annotation:
    """Something in an image.

    Attributes:
        id: Its id; empty where it has none.
        label: Name of its category, or None.
        box: Its corners, or None.
        crowd: Whether the box is about a crowd of things (`iscrowd`).
        texts: Sentences about it.
    """

    id: str
    label: str | None
    box: Corners | None
    crowd: bool
    texts: tuple[str, ...]


@dataclass
class CocoImage:
    """An entry of `images`.

    Attributes:
        id: Its id, or that of the image that it is a copy of (`original_id`), where asked for.
        file: Its file, relative to the images' folder, with forward slashes.
        others: Its further keys.
        texts: Sentences about it.
        annotations: What lies in it.
    """

    id: str
    file: str
    others: Mapping[str, Any]
    texts: tuple[str, ...]
    annotations: list[Annotation] = field(default_factory=list)

    @property
    def of_sentence(self) -> bool:
        """Whether it stands for a sentence, and its annotations for what that means (MDETR)."""
        return bool(self.texts) and not self.others.keys().isdisjoint(_OF_SENTENCES)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as the file says; infinite where it does not."""
        width, height = self.others.get("width"), self.others.get("height")
        return float(width) if _is_number(width) else math.inf, float(height) if _is_number(height) else math.inf


@dataclass(frozen=True)
class CocoFile:
    """A file's content.

    Attributes:
        images: Its images, in its order.
        categories: Names of its categories, in its order, each once.
        refs: Entries of the key `refs`, if it has it.
    """

    images: list[CocoImage]
    categories: list[str]
    refs: list[Any]


def coco_of(content: Mapping[str, Any], path: Path, unread: Unread, *, original: bool = False) -> CocoFile:
    """The content of a file that `read_json` read; what of it cannot be used is counted.

    Args:
        content: The JSON object.
        path: The file, for messages.
        unread: Counts annotations of unknown images and of unknown categories, and boxes that are none.
        original: Take `original_id` for ids where there is one: of files that list an image once for each sentence.

    Raises:
        DataError: It is not of this format; the message names the entry.
    """
    names = dict(_categories(content, path))
    images: dict[str, CocoImage] = {}
    for number, entry in enumerate(_listed(content, "images", path)):
        key = text(entry.get("id"))
        if key is None or key in images:
            what = "has no 'id'" if key is None else f"has the 'id' {key!r}, as another one has"
            raise DataError(f"{path}: image {number} {what}; ids tell which annotations are an image's.")
        own = text(entry.get("original_id")) if original else None
        others = {name: value for name, value in entry.items() if name not in {"id", "file_name", *_TEXTS}}
        images[key] = CocoImage(own or key, _file_name(entry, path, number), others, texts_of(entry))
    for entry in _listed(content, "annotations", path):
        image = images.get(text(entry.get("image_id")) or "")
        if image is None:
            unread.add(*_UNKNOWN_IMAGE, f"image_id {text(entry.get('image_id')) or 'missing'}")
        else:
            parts = _parts(entry)
            image.annotations += [_annotation(part, names, unread, original=original) for part in parts]
    refs = content.get("refs", [])
    return CocoFile(list(images.values()), list(dict.fromkeys(names.values())), refs if isinstance(refs, list) else [])


def read_json(path: Path) -> Any:
    """The JSON of a file, without masks, which take most of its room; raises `DataError`."""
    return parse_json(read_text(path, DataError, largest=MAX_IMAGE_BYTES), str(path), DataError, hook=_without_masks)


def is_coco(content: Any) -> bool:
    """Whether JSON is an object with a list of images."""
    return isinstance(content, Mapping) and isinstance(content.get("images"), list)


def not_coco(content: Any, path: Path) -> DataError:
    """An error that says what is expected, and what the file has."""
    has = (
        f"an object with {', '.join(map(repr, list(content)[:5])) or 'no key'}"
        if isinstance(content, Mapping)
        else None
    )
    has = has or ("a list" if isinstance(content, list) else shown(repr(content), 40))
    return DataError(f"{path}: expected COCO's JSON, an object with the lists 'images' and 'annotations'; it is {has}.")


def _without_masks(entry: dict[str, Any]) -> dict[str, Any]:
    entry.pop("segmentation", None)
    return entry


def _listed(content: Mapping[str, Any], key: str, path: Path) -> Iterator[Mapping[str, Any]]:
    entries = content.get(key, [])
    if not isinstance(entries, list):
        raise DataError(f"{path}: {key!r} must be a list, but is {shown(repr(entries), 60)}.")
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise DataError(f"{path}: entry {number} of {key!r} must be an object, but is {shown(repr(entry), 60)}.")
        yield entry


def _categories(content: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    for number, entry in enumerate(_listed(content, "categories", path)):
        key, name = text(entry.get("id")), text(entry.get("name"))
        if key is None or name is None:
            raise DataError(f"{path}: entry {number} of 'categories' needs an 'id' and a 'name'.")
        yield key, name


def _file_name(entry: Mapping[str, Any], path: Path, number: int) -> str:
    name, address = entry.get("file_name"), entry.get("coco_url")
    if isinstance(name, str) and name.strip():
        return name.strip().replace("\\", "/").removeprefix("./")
    if isinstance(address, str) and address.count("/") >= 2:
        return "/".join(address.split("/")[-2:])
    raise DataError(f"{path}: image {number} has no 'file_name'.")


def _parts(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """An annotation, or the things that a panoptic one lists."""
    segments = entry.get("segments_info")
    return [part for part in segments if isinstance(part, Mapping)] if isinstance(segments, list) else [entry]


def _annotation(entry: Mapping[str, Any], names: Mapping[str, str], unread: Unread, *, original: bool) -> Annotation:
    own = (text(entry.get("original_id")) if original else None) or text(entry.get("id")) or ""
    category = text(entry.get("category_id"))
    if category is not None and category not in names:
        unread.add(*_UNKNOWN_CATEGORY, f"category_id {category}")
    box, said = _corners(entry.get("bbox")), entry.get("bbox")
    if box is None and said not in (None, []):
        unread.add(*_NO_BOX, f"annotation {own or '?'}: {shown(repr(said), 40)}")
    return Annotation(own, names.get(category or ""), box, entry.get("iscrowd") == 1, texts_of(entry))


def four_numbers(value: Any) -> Corners | None:
    """A list of four finite numbers; None for anything else."""
    if not isinstance(value, list | tuple) or len(value) != 4 or not all(map(_is_number, value)):
        return None
    first, second, third, fourth = map(float, value)
    return first, second, third, fourth


def _corners(box: Any) -> Corners | None:
    """The corners of left, top, width, height; None where these are no four numbers."""
    numbers = four_numbers(box)
    return numbers and four_numbers((*numbers[:2], numbers[0] + numbers[2], numbers[1] + numbers[3]))


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in {int, float} and math.isfinite(value)


def texts_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The sentences of an entry: a text, or a list of texts or of objects with `sent` or `raw`."""
    value = next((entry[key] for key in _TEXTS if entry.get(key)), None)
    if value is None:
        return ()
    items = value if isinstance(value, list | tuple) else [value]
    found = ((item.get("sent") or item.get("raw")) if isinstance(item, Mapping) else item for item in items)
    return tuple(own.strip() for own in found if isinstance(own, str) and own.strip())
