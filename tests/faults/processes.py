"""Real processes of the command line, forked from one that has imported everything, so that each takes a second."""

import os
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HANG = 150.0
"""Seconds after which a process counts as hanging; an undisturbed one takes a few."""


@dataclass
class Process:
    """A running command.

    Attributes:
        pid: Its number; it leads a group of its own.
        output: File with all that it prints.
    """

    pid: int
    output: Path
    code: int | None = None

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to it and to all that it started; False if it had ended already."""
        if self._poll():
            return False
        os.killpg(self.pid, number)
        return True

    def wait(self, seconds: float = HANG, *, kill: bool = True) -> int | None:
        """Its exit code (negative: the signal that ended it); None if it had to be killed after so many seconds.

        Args:
            seconds: How long to wait.
            kill: Kill it then; otherwise it goes on.
        """
        until = time.monotonic() + seconds
        while not self._poll():
            if time.monotonic() > until:
                if not kill:
                    return None
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
            time.sleep(0.005)
        return self.code

    def text(self) -> str:
        """All that it printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def _poll(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None


def import_everything() -> None:
    """Load what commands load, once, before anything is forked. Nothing may be computed here: threads do not fork."""
    import open_clip  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torch

    from workbench.cli import main  # noqa: F401
    from workbench.registry import Registry  # noqa: F401
    from workbench.tracking.store import quiet

    quiet()
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    import transformers  # noqa: F401

    import workbench.models.checkpoints
    import workbench.runs  # noqa: F401

    torch.set_num_threads(1)


def start(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: Path,
    *,
    file_bytes: int | None = None,
) -> Process:
    """Begin `workbench ARGUMENTS`.

    Args:
        arguments: The command line.
        folder: Its current folder.
        environment: Variables to set.
        output: Where all that it prints goes.
        file_bytes: No file may grow beyond so many bytes, as on a full disk.
    """
    pid = os.fork()
    if pid:
        return Process(pid, output)
    code = 70
    try:
        os.setsid()
        with output.open("wb", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        code = _command(arguments, folder, environment, file_bytes)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _command(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], file_bytes: int | None
) -> int:  # fmt: skip
    import resource
    import sys

    from workbench.cli import main

    os.environ.update(environment)
    os.chdir(folder)
    sys.stdout, sys.stderr = (os.fdopen(os.dup(number), "w", buffering=1) for number in (1, 2))
    if file_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    try:
        main(list(arguments))
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    finally:
        sys.stdout.flush()
    return 0
