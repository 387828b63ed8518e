"""Files and folders that commands write; checked before the work, so that no result is lost."""

import errno
import os
from pathlib import Path

from workbench.texts import shown


def check_output_file(flag: str, path: Path | None) -> None:
    """Check that a file can be written; nothing is made yet, so that a command that fails leaves nothing.

    Args:
        flag: The option that names it.
        path: The file, or None. Its folder need not be there.

    Raises:
        WorkbenchError: The path is a folder, or the file cannot be written there.
    """
    from workbench.errors import WorkbenchError

    if path is None:
        return
    _check_spelling(flag, path)
    if path.is_dir():
        raise WorkbenchError(f"{flag} {path}: is a folder; name the file to write.")
    if path.exists() and not path.is_file():
        raise WorkbenchError(f"{flag} {path}: is no file but a pipe or a device; name another one.")
    if path.exists() and not os.access(path, os.W_OK):
        raise WorkbenchError(f"{flag} {path}: this file must not be written (permission denied); name another one.")
    _check_folder(flag, path, path.parent)


def check_output_folder(flag: str, path: Path) -> None:
    """Check that files can be written into a folder, which need not be there.

    Raises:
        WorkbenchError: It is a file, or cannot be made or written into.
    """
    _check_spelling(flag, path)
    _check_folder(flag, path, path)


def write_text(path: Path, text: str) -> None:
    """Write a file as UTF-8, line ends as they are, whole or not at all; see `workbench.outputs.write_output`."""
    from workbench.outputs import write_output

    # Bytes of file names that are no text are written as escapes.
    write_output(path, text.encode(errors="backslashreplace"))


def _check_spelling(flag: str, path: Path) -> None:
    """Refuse names that no file can have: each call would raise another error."""
    from workbench.errors import WorkbenchError

    try:
        path.lstat()
    except ValueError:
        raise WorkbenchError(f"{flag} {str(path)!r}: holds a NUL character; no file can be called so.") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise WorkbenchError(f"{flag} {shown(str(path), 80)}: this name is too long for a file.") from error


def _check_folder(flag: str, path: Path, folder: Path) -> None:
    from workbench.errors import WorkbenchError

    existing = next(path_or_parent for path_or_parent in (folder, *folder.parents) if os.path.lexists(path_or_parent))
    if not existing.is_dir():
        raise WorkbenchError(f"{flag} {path}: {existing} is no folder, so nothing can be written below it.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise WorkbenchError(f"{flag} {path}: nothing can be written in the folder {existing} (permission denied).")
