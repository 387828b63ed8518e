"""A folder of generated images with the prompts that made them."""

from dataclasses import dataclass
from pathlib import Path

from workbench.datasets.noted_names import noted_names
from workbench.datasets.sources._layout import metadata_file
from workbench.datasets.sources._rows import read_rows
from workbench.datasets.walking import list_folder, some, unread_types
from workbench.errors import DataError
from workbench.inputs import is_folder
from workbench.texts import shown

PROMPT_COLUMNS = ("prompt", "text", "caption")
"""The first of these that the metadata file has holds the prompts."""


@dataclass(frozen=True)
class PromptedImages:
    """Images and their prompts.

    Attributes:
        folder: Their folder.
        files: Paths relative to it.
        prompts: The prompt of each file.
        notes: Sentences about files that were left out.
        noted_names: Names of files in those.
    """

    folder: Path
    files: tuple[str, ...]
    prompts: tuple[str, ...]
    notes: tuple[str, ...] = ()
    noted_names: tuple[str, ...] = ()


def read_prompts(folder: Path) -> PromptedImages:
    """Read `metadata.csv` or `metadata.jsonl`: `file_name`, and `prompt` (or `text`, or `caption`).

    Raises:
        DataError: There is no such folder, file or column, a prompt is empty, or a file is named twice.
    """
    if not is_folder(folder):
        raise DataError(
            f"{shown(str(folder), 200)}: is no folder, or not there; give the folder with the generated images and "
            "their metadata.csv."
        )
    table = metadata_file(folder)
    if table is None:
        raise DataError(
            f"{folder}: expected a metadata.csv or metadata.jsonl beside the images, with the columns file_name and "
            "prompt."
        )
    prompt_of_file: dict[str, str] = {}
    for number, row in read_rows(table):
        column = next((name for name in PROMPT_COLUMNS if name in row), None)
        if column is None or "file_name" not in row:
            raise DataError(f"{table}: needs the columns file_name and prompt; there are: {', '.join(row) or 'none'}.")
        file, prompt = (str(row[name] or "").strip() for name in ("file_name", column))
        file = file.replace("\\", "/").removeprefix("./")
        if not file or not prompt:
            raise DataError(f"{table}, line {number}: file_name and {column} must not be empty.")
        if file in prompt_of_file:
            raise DataError(f"{table}, line {number}: {file} is there twice; an image has one prompt.")
        prompt_of_file[file] = prompt
    if not prompt_of_file:
        raise DataError(f"{table}: has no rows.")
    listing = list_folder(folder)
    with noted_names() as noted:
        notes = unread_types([name for name in listing.others if name != table.name])
        if others := sorted(set(listing.images) - prompt_of_file.keys()):
            have = "image has" if len(others) == 1 else "images have"
            notes.append(f"{len(others)} {have} no prompt in {table.name} and are left out: {some(others)}.")
    return PromptedImages(folder, tuple(prompt_of_file), tuple(prompt_of_file.values()), tuple(notes), tuple(noted))
