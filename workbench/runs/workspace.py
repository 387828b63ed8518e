"""Where a run's files are written before the store gets them: the temporary folder, or another disk if that is full."""

import errno
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError

_ELSEWHERE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT}


class WorkspaceError(WorkbenchError):
    """No place for a run's files: to go on would compute what cannot be kept."""


@contextmanager
def written(write: Callable[[Path], None], other: Path) -> Iterator[Path]:
    """A folder with the files that `write` puts there; it is gone after the block.

    Args:
        write: Called with an empty folder; a second time, with one elsewhere, if the first is full.
        other: Where to write if the temporary folder is full or cannot be written; made if needed.

    Raises:
        WorkspaceError: Neither place can be written.
    """
    tried: list[str] = []
    for place in (_temporary, lambda: other):
        folder: Path | None = None
        try:
            folder = place() / f".workbench-{uuid.uuid4().hex}"
            folder.mkdir(parents=True)
            write(folder)
        except OSError as error:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if error.errno not in _ELSEWHERE:
                raise
            tried.append(f"{folder.parent if folder else 'temporary folder'}: {error.strerror or error}")
            continue
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    raise WorkspaceError(
        f"a run's files cannot be written ({'; '.join(tried)}). Free space in one of them, or let TMPDIR name a folder "
        "that has some; what was finished before is kept, and the same command goes on from here."
    )


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
