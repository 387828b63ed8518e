"""`workbench cache`."""

import math
from dataclasses import asdict
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_folder


@click.group("cache")
def command() -> None:
    """Show or prune cached features.

    \b
    Example:
      workbench cache ls
      workbench cache prune --older-than 30 --dry-run
    """


@command.command("ls")
@settings_options("cache")
@as_json
def list_usage(as_json: bool, **flags: Any) -> None:
    """List features by model."""
    from workbench.features import cache_usage

    settings = load_settings(**flags)
    check_output_folder("--cache", settings.cache)
    usage = cache_usage(settings.cache)
    if as_json:
        answer_json([asdict(entry) for entry in usage])
        return
    answer(str(settings.cache))
    for entry in usage:
        answer(
            f"{_size(entry.bytes)}  {entry.last_used:%Y-%m-%d}  {entry.images:8} images  {entry.texts:6} texts  "
            f"{entry.precision:5}  {entry.model}"
        )


@command.command("prune")
@click.option("--model", help="Only this model's features (name, or first characters of a fingerprint).")
@click.option(
    "--older-than", type=click.FloatRange(0, 100_000), metavar="DAYS", help="Only what was last used longer ago."
)
@click.option("--all", "all_features", is_flag=True, help="All features.")
@click.option("--leftovers", is_flag=True, help="Only what damage, kills, deleted runs and earlier versions left.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted.")
@settings_options("cache")
def prune_cache(
    model: str | None, older_than: float | None, all_features: bool, leftovers: bool, dry_run: bool, **flags: Any
) -> None:
    """Delete cached features, which are computed again when needed, and always the remains of damage and kills."""
    from datetime import timedelta

    from workbench import upkeep
    from workbench.errors import WorkbenchError
    from workbench.features import prune, remove

    if older_than is not None and math.isnan(older_than):
        raise WorkbenchError("cache prune: --older-than: expected a number of days, got nan.")
    if not (model or older_than is not None or all_features or leftovers):
        raise WorkbenchError("cache prune: say what to delete: --model, --older-than DAYS, --leftovers, or --all.")
    if leftovers and (model or older_than is not None or all_features):
        raise WorkbenchError("cache prune: --leftovers deletes no features, so it goes with no other choice.")
    settings = load_settings(**flags)
    age = timedelta(days=older_than) if older_than is not None else timedelta.min if all_features else None
    entries = prune(settings.cache, model=model, older_than=age, dry_run=True)
    known = {entry.path for entry in entries}
    entries += [
        entry
        for entry in upkeep.leftovers(settings)
        if entry.path not in known and not known.intersection(entry.path.parents)
    ]
    if not dry_run:
        remove(entries)
    for entry in entries:
        answer(f"{_size(entry.bytes)}  {entry.what}  {entry.path}")
    total = _size(sum(entry.bytes for entry in entries)).strip()
    answer(f"{'would free' if dry_run else 'freed'} {total}")


def _size(count: int) -> str:
    return f"{count / 2**20:10.1f} MiB"
