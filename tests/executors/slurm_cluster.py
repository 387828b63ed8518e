"""A real SLURM of one node, started in a folder of its own, on ports of its own, on loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
_SECONDS = 40.0
_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,bf_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
JobRequeue=1
KillWait=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=short Nodes=n1 Default=YES MaxTime=INFINITE State=UP
"""


class NoClusterError(Exception):
    """SLURM cannot be started here; says why."""


@contextmanager
def slurm_cluster() -> Iterator[dict[str, str]]:
    """Variables with which `sbatch` and its like ask the cluster; it ends with the block.

    Raises:
        NoClusterError: A daemon is not installed, or does not start.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    lacking = [name for name in _DAEMONS if shutil.which(name, path=path) is None]
    if lacking:
        raise NoClusterError(f"not installed: {', '.join(lacking)} (Debian: slurm-wlm, munge)")
    folder = Path(tempfile.mkdtemp(prefix="workbench-slurm-"))
    folder.chmod(0o755)  # For munge's own user.
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    environment = {**os.environ, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
    host, user = socket.gethostname().partition(".")[0], pwd.getpwuid(os.getuid()).pw_name
    (folder / "slurm.conf").write_text(
        _CONFIGURATION.format(folder=folder, host=host, user=user, ports=_free_ports(2)), encoding="utf-8"
    )
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str, as_user: str | None = None) -> None:
        with (folder / f"{name}.out").open("wb") as out:
            running.append(
                subprocess.Popen([name, *arguments], env=environment, stdout=out, stderr=out, user=as_user, cwd=folder)
            )

    def said() -> str:
        texts = [path.read_text(errors="replace")[-600:] for path in sorted(folder.glob("*.out"))]
        return " ".join(" ".join(texts).split())

    try:
        _start_munge(folder, start)
        start("slurmctld", "-D")
        start("slurmd", "-D", "-N", "n1")
        _wait(lambda: _is_idle(environment), running, said)
        yield {"PATH": path, "SLURM_CONF": environment["SLURM_CONF"]}
    except (OSError, KeyError, LookupError) as error:
        raise NoClusterError(f"{error}; {said()}") from error
    finally:
        subprocess.run(
            ["scancel", "--quiet", "--full", "--user", user], env=environment, capture_output=True, check=False
        )
        for process in reversed(running):
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start_munge(folder: Path, start) -> None:
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    owner = "munge" if os.getuid() == 0 else None  # It refuses to be root.
    if owner is not None:
        known = pwd.getpwnam(owner)
        for path in (folder / "munge", key):
            os.chown(path, known.pw_uid, known.pw_gid)
    names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    options = [f"--{option}={folder / 'munge' / name}" for option, name in names.items()]
    start("munged", "--foreground", "--force", *options, as_user=owner)


def _is_idle(environment: dict[str, str]) -> bool:
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=environment, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() == "idle"


def _wait(is_there, running, said) -> None:
    until = time.monotonic() + _SECONDS
    while not is_there():
        if time.monotonic() > until or any(process.poll() is not None for process in running):
            raise NoClusterError(f"SLURM did not start: {said()}")
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
