"""The process that makes a run, and whether it is still alive."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path


@cache
def this_machine() -> str:
    """An id of this machine that does not tell its name: 16 hexadecimal digits."""
    return hashlib.sha256(f"workbench host {socket.gethostname()}".encode()).hexdigest()[:16]


@cache
def this_process() -> str:
    """An id of this process that no other process of this machine has, not even a later one with its number."""
    return f"{_namespace()}:{os.getpid()}:{_started(os.getpid())}"


def is_gone(process: str) -> bool:
    """Whether a process of this machine, as `this_process` named it, has ended; False where that cannot be known."""
    namespace, _, rest = process.partition(":")
    pid, _, started = rest.partition(":")
    if namespace != _namespace() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


def _namespace() -> str:
    """Process numbers mean something within one container only."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return "0"


def _started(pid: int) -> str:
    """When a process began, in ticks since the machine did; `0` where that cannot be known; empty if there is none."""
    try:
        # The name, in parentheses, may hold spaces.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "0"
