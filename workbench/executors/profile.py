"""A profile: what a SLURM queue or a Ray cluster is asked for, in a TOML file."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workbench.errors import CardError
from workbench.inputs import parse_toml, read_text
from workbench.validation import explain

_CLOCK = re.compile(r"(?:(\d{1,3})-)?(\d{1,3}):(\d{2})(?::(\d{2}))?")
_MEMORY = re.compile(r"\d+(\.\d+)?\s*(MB|GB|TB|M|G|T)")


def _minutes(value: Any) -> Any:
    """`4:00:00`, `1-12:00:00` and `90:00` as SLURM writes times, or a number of minutes."""
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value
    days, first, second, third = (int(part or 0) for part in match.groups())
    if match[4] is None and match[1] is None:
        return first + (second > 0)  # Minutes and seconds.
    return days * 1440 + first * 60 + second + (third > 0)


def _check_memory(value: str) -> str:
    if not _MEMORY.fullmatch(value.strip()):
        raise ValueError(f"an amount such as '32GB' is expected; got {value!r}")
    return value.strip()


Minutes = Annotated[int, Field(ge=1, le=525_600), BeforeValidator(_minutes)]


class SlurmProfile(BaseModel):
    """What one task of a job array, the runs of one dataset and one model, is given.

    Attributes:
        partition: SLURM's partition; None takes the cluster's default.
        time: Limit of a task, as SLURM writes it (`4:00:00`) or in minutes. A task that is not done by then is queued
            again and goes on.
        gpus: GPUs of a task, 0 or 1: a run uses one.
        cpus: Cores of a task.
        memory: Memory of a task, such as `32GB`.
        account: Who is charged.
        parallel: How many tasks run at a time at most.
        timeouts: How often a task may reach its limit before it is left.
        warning: Seconds before the limit at which a task is told to leave.
        setup: Shell commands that a task begins with.
        options: Further options of `sbatch`, such as `{qos = "long"}`.
        cluster: `slurm`; `local` starts all tasks at once on this machine, to try a profile without a queue.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: str | None = None
    time: Minutes = 60
    gpus: int = Field(default=0, ge=0, le=1)
    cpus: int | None = Field(default=None, ge=1)
    memory: Annotated[str, AfterValidator(_check_memory)] | None = None
    account: str | None = None
    parallel: int = Field(default=64, ge=1)
    timeouts: int = Field(default=10, ge=0)
    warning: int = Field(default=90, ge=1)
    setup: tuple[str, ...] = ()
    options: dict[str, str | int | bool] = {}
    cluster: Literal["slurm", "local"] = "slurm"


class Profile(BaseModel):
    """The file: a table for each executor.

    Attributes:
        slurm: For `--executor slurm`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slurm: SlurmProfile = SlurmProfile()


def read_profile(path: Path | None) -> Profile:
    """The profile in a file; the defaults where there is none.

    Raises:
        CardError: The file cannot be read or a value is wrong; names the file and the key.
    """
    if path is None:
        return Profile()
    try:
        return Profile.model_validate(parse_toml(read_text(path, CardError), str(path), CardError))
    except ValidationError as error:
        raise CardError(f"{path}: {explain(error, Profile)}") from error
