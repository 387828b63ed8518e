"""The provenance of a result: versions, commit, device."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "clip-workbench",
    "torch",
    "open_clip_torch",
    "timm",
    "transformers",
    "peft",
    "scikit-learn",
    "numpy",
    "mlflow",
)


@cache
def version_tags() -> dict[str, str]:
    """`version.NAME` of each package that can change a result."""
    tags = {}
    for name in _PACKAGES:
        try:
            tags[f"version.{name}"] = version(name)
        except PackageNotFoundError:
            continue
    return tags


@cache
def git_tags() -> dict[str, str]:
    """The commit of the working folder, if it is in a repository; `-dirty` where files differ from it."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git.commit": commit.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")}


@cache
def device_name(device: str) -> str:
    """The device in words: the GPU's name, or the processor's."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="ignore") as file:  # noqa: PTH123
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        import platform

        return platform.processor() or "cpu"
