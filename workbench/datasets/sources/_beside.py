"""Images that lie beside those that a table names."""

from collections.abc import Collection, Sequence
from pathlib import Path

from workbench.datasets.walking import is_image_name, some
from workbench.formatting import counted


def images_beside(root: Path, named: Collection[str], tables: Sequence[Path]) -> list[str]:
    """A sentence about images that lie beside named ones; folders of which nothing is named are none of the tables'.

    Args:
        root: The folder that names start from.
        named: The images that are named, with forward slashes.
        tables: The tables that name them, for the sentence.
    """
    folders = {name.rpartition("/")[0] for name in named}
    beside = []
    for folder in sorted(folders):
        place = root / folder
        if not place.is_dir():
            continue
        names = (f"{folder}/{path.name}" if folder else path.name for path in place.iterdir())
        beside += [name for name in names if is_image_name(name) and name not in named]
    if not beside:
        return []
    which = some([path.name for path in tables])
    return [f"Left out: {counted(len(beside), 'image')} that {which} does not name ({some(sorted(beside))})."]
