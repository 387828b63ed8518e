"""A profile: what a SLURM queue or a Ray cluster is asked for, in a TOML file."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workbench.errors import CardError
from workbench.inputs import parse_toml, read_text
from workbench.settings import Settings
from workbench.validation import explain

_CLOCK = re.compile(r"(?:(\d{1,3})-)?(\d{1,3}):(\d{2})(?::(\d{2}))?")
_BYTES = {"M": 10**6, "G": 10**9, "T": 10**12}
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


Memory = Annotated[str, AfterValidator(_check_memory)]
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
    memory: Memory | None = None
    account: str | None = None
    parallel: int = Field(default=64, ge=1)
    timeouts: int = Field(default=10, ge=0)
    warning: int = Field(default=90, ge=1)
    setup: tuple[str, ...] = ()
    options: dict[str, str | int | bool] = {}
    cluster: Literal["slurm", "local"] = "slurm"


class RayProfile(BaseModel):
    """Where a Ray cluster is, and what each worker is given.

    Attributes:
        address: The cluster's; `auto` finds the one of this machine, `local` starts one that ends with the command.
        cpus: Cores of a worker.
        gpus: GPUs of a worker, 0 to 1: 0.25 lets four workers share one.
        memory: Memory of a worker, such as `8GB`, by which Ray places it.
        resources: Amounts of resources that the cluster's nodes were given names for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = "auto"
    cpus: float = Field(default=1, gt=0)
    gpus: float = Field(default=0, ge=0, le=1)
    memory: Memory | None = None
    resources: dict[str, float] = {}

    @property
    def memory_bytes(self) -> int | None:
        """The memory in bytes."""
        if self.memory is None:
            return None
        unit = _BYTES[re.sub(r"[\d.\s]|B$", "", self.memory)]
        return round(float(re.sub(r"[A-Z\s]", "", self.memory)) * unit)


class Profile(BaseModel):
    """The file: a table for each executor.

    Attributes:
        slurm: For `--executor slurm`.
        ray: For `--executor ray`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slurm: SlurmProfile = SlurmProfile()
    ray: RayProfile = RayProfile()


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


def gpu_precision(settings: Settings, gpus: float) -> Settings:
    """Settings with the precision of machines that have a GPU, which this one need not have to decide on `auto`."""
    if gpus and settings.precision == "auto":
        return settings.model_copy(update={"precision": "bf16"})
    return settings


def node_settings(settings: Settings, precision: str, gpus: float) -> Settings:
    """The settings of workers on other machines.

    Args:
        settings: Those of the command.
        precision: The one that run keys were made with.
        gpus: GPUs of a worker.
    """
    update: dict[str, str] = {"precision": precision}
    if gpus:
        update["device"] = "cuda"
    elif settings.device == "auto":
        update["device"] = "cpu"
    return settings.model_copy(update=update)
