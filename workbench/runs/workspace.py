"""Write a run's files before the store gets them, to the temporary folder, or to another disk if that is full."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.outputs import FULL, reason, system_error


class WorkspaceError(WorkbenchError):
    """No place for a run's files: further results could not be kept."""


@contextmanager
def run_folder(write: Callable[[Path], None], fallback: Path) -> Iterator[Path]:
    """A folder with the files that `write` puts there; it is gone after the block.

    Args:
        write: Called with an empty folder; a second time, with one elsewhere, if the first is full.
        fallback: The folder used if the temporary one is full or cannot be written; made if needed.

    Raises:
        WorkspaceError: Neither place can be written.
    """
    tried: list[str] = []
    for place in (_temporary, lambda: fallback):
        folder, made = Path(), False
        try:
            folder = place() / f".workbench-{uuid.uuid4().hex}"
            folder.mkdir(parents=True)
            made = True
            write(folder)
        except BaseException as raised:
            if made:
                shutil.rmtree(folder, ignore_errors=True)
            error = system_error(raised)
            # Anything else that goes wrong while it writes is the recipe's fault, and not the folder's.
            if error is None or (made and error.errno not in FULL):
                raise
            tried.append(f"{folder.parent if folder.name else 'temporary folder'}: {reason(error)}")
            continue
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    raise WorkspaceError(
        f"a run's files cannot be written ({'; '.join(tried)}). TMPDIR may name another folder for them; what was "
        "finished before is kept, and the same command goes on from here."
    )


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
