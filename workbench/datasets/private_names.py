"""The names of a dataset's images, groups and files that pseudonyms stand for in what is recorded."""

from pathlib import Path, PurePosixPath

from workbench.datasets.manifest import Manifest
from workbench.datasets.roles import ROLES


def private_names(manifest: Manifest, root: object, public: set[str]) -> frozenset[str]:
    """Ids, groups, paths and names of all files, names that notes mention, and the folder of the data.

    Args:
        manifest: Lists the images.
        root: Of the source.
        public: Names that are recorded anyway, such as those of classes.
    """
    names = set(manifest.noted_names)
    for record in manifest.records:
        names.update((record.id, record.location.file, PurePosixPath(record.location.file).name))
        if record.group:
            names.add(record.group)
    if Path(str(root)).is_absolute():
        names.add(str(root))
    return frozenset(names - public - set(ROLES) - {""})
