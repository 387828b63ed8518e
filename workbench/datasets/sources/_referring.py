"""Referring expressions: which object of an image a sentence means, in the forms in which they are published.

- `refs(unc).p` of RefCOCO, RefCOCO+ and RefCOCOg (https://github.com/lichengunc/refer), and the same list as JSON, JSON
  lines or Parquet: `image_id`, `ann_id`, `sentences`, `split`. Several `ann_id`, or -1 for none, are gRefCOCO's.
- Rows with the `bbox` of the object in place of `ann_id`, in pixels: corners, or corner, width and height.
- COCO JSON with an image entry for each sentence (MDETR): `caption`, `original_id`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.datasets.sources._coco_file import CocoFile, coco_of, four_numbers, is_coco, read_json, texts_of
from workbench.datasets.sources._columns import text
from workbench.datasets.sources._plain_pickle import read_plain_pickle
from workbench.datasets.sources._rows import read_rows
from workbench.datasets.sources._unread import Unread
from workbench.datasets.sources.parquet import open_parquet
from workbench.errors import DataError
from workbench.texts import shown

_FILES = ("file_name", "image_path", "img_path", "image")


@dataclass(frozen=True)
class Expression:
    """Sentences that mean the same of an image.

    Attributes:
        texts: The sentences.
        image: The image's id, or None where only its file is known.
        file: The image's file, or None.
        targets: Ids of the annotations that are meant; none where a box says it, or nothing in the image is meant.
        box: Four numbers that say the object, or None.
        split: The split as the file calls it, or None.
    """

    texts: tuple[str, ...]
    image: str | None
    file: str | None = None
    targets: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    split: str | None = None


def read_expressions(path: Path, unread: Unread) -> list[Expression]:
    """All expressions of a file.

    Args:
        path: The file; its suffix says the form: `.json`, `.jsonl`, `.parquet`, `.p`, `.pkl`.
        unread: Counts what cannot be used.

    Raises:
        DataError: It is of none of the forms; the message names the entry.
    """
    suffix = path.suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return list(_expressions((row for _, row in read_rows(path)), path))
    if suffix == ".parquet":
        return list(_expressions(_rows(path), path))
    content = read_plain_pickle(path) if suffix in {".p", ".pkl", ".pickle"} else read_json(path)
    if is_coco(content):
        return expressions_of(coco_of(content, path, unread, original=True), path)
    if isinstance(content, Mapping):
        content = content.get("refs")
    if not isinstance(content, list | tuple):
        raise DataError(
            f"{path}: expected a list of referring expressions (image_id, ann_id, sentences, split), or COCO's JSON."
        )
    return list(_expressions(content, path))


def expressions_of(coco: CocoFile, path: Path) -> list[Expression]:
    """Expressions of a COCO file: those of single boxes, of image entries that stand for a sentence, and of `refs`."""
    found = []
    for image in coco.images:
        boxed = [own for own in image.annotations if own.box is not None]
        if image.of_sentence:
            found.append(Expression(image.texts, image.id, targets=tuple(own.id for own in boxed)))
        found += [Expression(own.texts, image.id, targets=(own.id,)) for own in boxed if own.texts]
    return [*found, *_expressions(coco.refs, path)]


def _rows(path: Path) -> Iterator[Any]:
    """Rows of a Parquet file, without its pictures."""
    import pyarrow as pa

    file = open_parquet(path)
    names = [field.name for field in file.schema_arrow if not _holds_pictures(field.type)]
    for group in range(file.num_row_groups):
        try:
            yield from file.read_row_group(group, columns=names).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path}: row group {group} is damaged ({error}).") from error


def _holds_pictures(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(_holds_pictures(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _expressions(entries: Iterable[Any], path: Path) -> Iterator[Expression]:
    for number, entry in enumerate(entries):
        where = f"{path}, entry {number}"
        if not isinstance(entry, Mapping):
            raise DataError(f"{where}: expected an object, got {shown(repr(entry), 60)}.")
        image = text(entry.get("image_id"))
        file = next((entry[key] for key in _FILES if isinstance(entry.get(key), str)), None)
        if image is None and file is None:
            raise DataError(f"{where}: says no image: it has no 'image_id' and no 'file_name'.")
        texts = texts_of(entry)
        if not texts:
            raise DataError(f"{where}: has no sentence: no 'sentences' with 'sent', no 'captions', no 'expression'.")
        meant, box = entry.get("ann_id"), four_numbers(entry.get("bbox"))
        if meant is None and box is None:
            raise DataError(f"{where}: says no object: it has no 'ann_id', and no 'bbox' of four numbers.")
        targets = filter(None, map(text, meant if isinstance(meant, list | tuple) else [meant]))
        yield Expression(
            texts=texts,
            image=image,
            file=file,
            targets=tuple(own for own in targets if own != "-1"),
            box=box if meant is None else None,
            split=text(entry.get("split")),
        )
