"""`workbench doctor`."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options

if TYPE_CHECKING:
    from workbench.settings import Settings


@click.command("doctor")
@click.option("--verify", is_flag=True, help="Read all that the cache holds, and compare it with its checksums.")
@settings_options("device", "precision", "cache", "data", "tracking_uri")
@as_json
def command(verify: bool, as_json: bool, **flags: Any) -> None:
    """Show settings, device, versions and plug-ins, and problems with them.

    The store is tried: whether it answers, whether it takes a run and a file, and how fast. On a server that is the one
    run of the experiment `workbench-doctor`.

    \b
    Example:
      workbench doctor
      workbench doctor --device cuda --json
      workbench doctor --verify
    """
    examination = _examine(flags)
    if verify:
        from workbench.upkeep import damage

        examination["problems"] += damage(load_settings(**flags))
    if as_json:
        answer_json(examination)
    else:
        for key, value in examination["facts"].items():
            answer(f"{key:22} {value}")
        for problem in examination["problems"]:
            answer(f"problem: {problem}")
        if not examination["problems"]:
            answer("no problems found")
    sys.exit(1 if examination["problems"] else 0)


def _examine(flags: dict[str, Any]) -> dict[str, Any]:
    from workbench.datasets.generators import generators
    from workbench.datasets.sources import sources
    from workbench.errors import WorkbenchError
    from workbench.models import resolve_device, resolve_precision
    from workbench.models.plugin import models
    from workbench.recipes import recipes
    from workbench.runs.provenance import device_name, version_tags
    from workbench.tracking import open_store
    from workbench.tracking.examining import examine_store

    settings = load_settings(**flags)
    facts: dict[str, str] = {key.removeprefix("version."): value for key, value in version_tags().items()}
    problems: list[str] = []
    facts["python"] = sys.version.split()[0]
    try:
        device = resolve_device(settings.device)
        facts["device"] = f"{device} ({device_name(device)})"
        facts["precision"] = resolve_precision(settings.precision, device)
    except WorkbenchError as error:
        problems.append(str(error))
    try:
        import open_clip  # noqa: F401 - a torchvision that does not match torch shows here
    except Exception as error:
        problems.append(
            f"open_clip does not import ({type(error).__name__}: {error}); torch and torchvision must match."
        )
    facts["cache"] = _place(settings.cache)
    try:
        facts["temporary files"] = _place(Path(tempfile.gettempdir()))
    except OSError:
        problems.append("No temporary folder can be written; TMPDIR names one.")
    facts["data"] = str(settings.data) if settings.data else "not set (WORKBENCH_DATA)"
    if settings.data and not settings.data.is_dir():
        problems.append(f"WORKBENCH_DATA: {settings.data} is not a folder.")
    try:
        facts |= _shared_features(settings)
    except WorkbenchError as error:
        problems.append(str(error))
    store = open_store(settings)
    facts["store"], *wrong = examine_store(store)
    problems += wrong
    waiting = len(store.spool.entries(store.server))
    if waiting:
        problems.append(
            f"{store.spool.folder}: runs that the store did not take: {waiting}. `workbench sync` sends them."
        )
    for registry in (recipes, models, generators, sources):
        listing = registry.listing(probe=True)
        facts[f"{registry.kind}s"] = ", ".join(entry.name for entry in listing)
        problems += [entry.problem for entry in listing if entry.problem]
    problems += _broken_cards()
    return {"facts": facts, "problems": problems}


def _shared_features(settings: "Settings") -> dict[str, str]:
    from workbench.features.sharing import remote_usage
    from workbench.features.store import remote_store
    from workbench.formatting import counted

    remote = remote_store(settings)
    if remote is None:
        return {}
    usage = remote_usage(remote)
    size = sum(model.bytes for model in usage) / 2**30
    return {"features": f"{remote.address} ({counted(len(usage), 'model')}, {size:.1f} GiB)"}


def _broken_cards() -> list[str]:
    from workbench.datasets import list_cards

    return [listing.problem for listing in list_cards() if listing.problem]


def _place(path: Path) -> str:
    existing = next(path_or_parent for path_or_parent in (path, *path.absolute().parents) if path_or_parent.exists())
    free = shutil.disk_usage(existing).free / 2**30
    return f"{path} ({free:.1f} GiB free{'' if os.access(existing, os.W_OK) else ', may only be read'})"
