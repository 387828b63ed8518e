"""Generated datasets: made once, checked, and then read as a folder."""

import hashlib
import json
import os
import shutil
import tempfile
from importlib import import_module
from pathlib import Path

from workbench.datasets.card import DatasetCard, GeneratorSource
from workbench.errors import DataError

_DONE = ".generated"


def generated(card: DatasetCard, cache: Path) -> Path:
    """The folder with a card's generated files; generates them if they are not there.

    Several processes may ask at once: one generates, the others wait.

    Raises:
        DataError: The generator cannot be imported, or its output does not have the card's checksum.
    """
    from filelock import FileLock

    source = card.source
    assert isinstance(source, GeneratorSource)
    key = hashlib.sha256(json.dumps([source.call, source.version, source.options], sort_keys=True).encode()).hexdigest()
    folder = cache / "generated" / f"{card.name}-{key[:12]}"
    if (folder / _DONE).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if (folder / _DONE).is_file():
            return folder
        module_name, _, function = source.call.partition(":")
        try:
            generate = getattr(import_module(module_name), function)
        except (ImportError, AttributeError) as error:
            raise DataError(
                f"dataset {card.name!r}: generator {source.call!r} cannot be imported ({error}). "
                "The embedded datasets need the extra: pip install 'clip-workbench[quickstart]'."
            ) from error
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        try:
            generate(work, **source.options)
            checksum = content_checksum(work)
            if source.sha256 and checksum != source.sha256:
                raise DataError(
                    f"dataset {card.name!r}: generated files have checksum {checksum}, the card says {source.sha256}."
                )
            (work / _DONE).write_text(checksum, encoding="utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(work, folder)  # noqa: PTH105 - the atomic step, named as such
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder


def content_checksum(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder, hidden ones left out."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
