"""Real images that generated ones are compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import FloatArray
from workbench.datasets import open_dataset
from workbench.datasets.catalogue import cards
from workbench.datasets.roles import SplitChoice
from workbench.datasets.walking import list_folder
from workbench.errors import DataError
from workbench.features import FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.formatting import format_share
from workbench.models import Encoder
from workbench.search import open_gallery
from workbench.search.gallery import different_images
from workbench.settings import Settings

Progress = Callable[[int, int], None]
_NAMED = 5  # Of unreadable images; a note goes into a tag of the run.


@dataclass(frozen=True)
class Reference:
    """Images that generated ones should look like.

    Attributes:
        name: The dataset or folder.
        features: (m, d) projected; each content once.
        unreadable: Name and reason of every image that is left out.
        notes: Sentences about images that were left out.
    """

    name: str
    features: FloatArray
    unreadable: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def reference_features(
    argument: str,
    encoder: Encoder,
    settings: Settings,
    split: SplitChoice = "all",
    *,
    progress: Progress | None = None,
) -> Reference:
    """Features of a reference set: a folder of images of any layout, a registered dataset, or a card file.

    Images with equal bytes are one image, of a folder as of a dataset: a photo that lies in two places is not two
    observations of what real images look like, and CMMD would take its kernel with its copy for evidence.

    Args:
        argument: Folder, name or card.
        encoder: The model.
        settings: Cache, workers, and the share of images that may be unreadable.
        split: Part of a dataset; other than `all`, a folder is read as a dataset, too.
        progress: Called with (done, total) while features are computed.

    Raises:
        WorkbenchError: There is no such dataset or folder, it has no readable image, or more of its images are
            unreadable than `settings.max_unreadable`.
    """
    store, path = FeatureStore.of(settings), Path(argument).expanduser()
    name = argument if split == "all" else f"{argument} ({split})"
    if path.is_dir() and argument not in cards.names() and split == "all":
        features, unreadable = _of_folder(path, argument, encoder, store, settings.workers, progress)
    else:
        gallery = open_gallery(
            open_dataset(argument, settings), encoder, store, split, workers=settings.workers, progress=progress
        )
        features, unreadable = gallery.features(0, len(gallery)), gallery.unreadable
    total = len(features) + len(unreadable)
    check_readable(f"--reference {name}", unreadable, total, settings.max_unreadable)
    return Reference(name, features, tuple(unreadable), _notes(name, unreadable, total))


def check_readable(what: str, unreadable: Sequence[tuple[str, str]], total: int, allowed: float) -> None:
    """Refuse a set of images of which too many, or all, are unreadable.

    Args:
        what: Begins the message.
        unreadable: Name and reason of each.
        total: Number of images, those included.
        allowed: Share (0..1) that may be unreadable.

    Raises:
        DataError: It names the first.
    """
    if len(unreadable) == total or len(unreadable) > allowed * total:
        name, reason = unreadable[0]
        raise DataError(
            f"{what}: {len(unreadable)} of {total} images cannot be read, more than the {format_share(allowed)} that "
            f"--max-unreadable allows; the first is {name} ({reason})."
        )


def _of_folder(
    path: Path, argument: str, encoder: Encoder, store: FeatureStore, workers: int, progress: Progress | None
) -> tuple[FloatArray, list[tuple[str, str]]]:
    files = list_folder(path).images
    if not files:
        raise DataError(f"--reference {argument}: there is no image in the folder.")
    source = ImageFiles(path, files)
    rows = different_images(source.hashes(np.arange(len(source.names))))
    extraction = extract(source, rows, encoder, store, workers=workers, progress=progress)
    return extraction.features.projected[extraction.readable], extraction.unreadable


def _notes(name: str, unreadable: Sequence[tuple[str, str]], total: int) -> tuple[str, ...]:
    if not unreadable:
        return ()
    first = "; ".join(f"{file} ({reason})" for file, reason in unreadable[:_NAMED])
    more = "; ..." if len(unreadable) > _NAMED else ""
    return (f"reference {name}: {len(unreadable)} of {total} images cannot be read and are left out: {first}{more}.",)
