"""The card of a folder that has none."""

from pathlib import Path

from workbench.datasets._spelling import spelt_as_name
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_reading import make_card, task_of_folder
from workbench.datasets.card_tables import Columns, Splits
from workbench.datasets.repository_prompts import CLASS_NAMES
from workbench.datasets.roles import role_of
from workbench.datasets.sources._columns import text
from workbench.datasets.sources._layout import METADATA_NAMES, is_table_name, metadata_files, split_folders
from workbench.datasets.sources._rows import read_columns
from workbench.datasets.sources.folder import FolderTable
from workbench.datasets.sources.webdataset import WebDatasetTable
from workbench.datasets.walking import sub_folders
from workbench.errors import DataError


def card_for_folder(path: Path) -> DatasetCard:
    """A sensible card for a folder that has none.

    A folder in the layout of `clip-benchmark/wds_*` has its own class names and templates. Of others columns are those
    of the metadata file that have usual names, splits the folders that do; classes that are folders are spoken with
    spaces for underscores.

    Raises:
        DataError: The folder cannot be a dataset; the message says what was expected.
    """
    root = path.resolve()
    name = spelt_as_name(root.name) or "folder"
    if (root / CLASS_NAMES).is_file() and any(root.glob("*/*.tar")):
        return make_card(
            {
                "name": name,
                "title": root.name,
                "source": WebDatasetTable(type="webdataset", path=str(root)),
                "columns": Columns(label="cls"),
                "prompts": {"from": "repository"},
            }
        )
    tables = metadata_files(root)
    columns = _metadata_columns(tables[0]) if tables else Columns(label="label")
    folders = split_folders(root)
    roles = {role: folder.name for folder in reversed(folders) if (role := role_of(folder.name))}
    return make_card(
        {
            "name": name,
            "title": root.name,
            "task": task_of_folder([key for key in ("label", "caption") if getattr(columns, key) is not None]),
            "source": FolderTable(type="folder", path=str(root)),
            "columns": columns,
            "splits": Splits.model_validate({} if columns.split else roles),
            "classes": {} if tables else _class_folders(root, folders),
        }
    )


def _metadata_columns(table: Path) -> Columns:
    columns = read_columns(table)
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    if "file_name" not in by_name:
        raise DataError(
            f"{table}: no column 'file_name' with the images' paths; there are: {', '.join(columns) or 'none'}."
        )
    names = {role: by_name[role] for role in ("label", "caption", "group", "split") if role in by_name}
    if "text" in by_name:
        names.setdefault("caption", by_name["text"])
    if "label" not in names and "caption" not in names:
        raise DataError(
            f"{table}: needs a column 'label' or 'caption' beside 'file_name'; there are: {', '.join(columns)}."
        )
    return Columns(image=by_name["file_name"], **names)


def _class_folders(root: Path, splits: list[Path]) -> dict[str, str]:
    names = sorted({text(folder.name) or folder.name for top in splits or [root] for folder in sub_folders(top)})
    if not names:
        lists = [path.name for path in sorted(root.iterdir()) if is_table_name(path.name)]
        hint = f" {lists[0]} is there: call it {METADATA_NAMES[0]}, or write a card." if lists else ""
        raise DataError(
            f"{root}: expected class sub-folders (with or without train/ val/ test/ above them), or files with a "
            f"metadata.csv that has the columns file_name and label.{hint}"
        )
    spoken = {name: name.replace("_", " ").strip() or name for name in names}
    # `a_b` and `a b` must stay two classes.
    return spoken if len(set(spoken.values())) == len(spoken) else {name: name for name in names}
