"""`workbench cache`."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_folder

if TYPE_CHECKING:
    from workbench.features._remote import RemoteStore
    from workbench.settings import Settings


@click.group("cache")
def command() -> None:
    """Show or prune cached features, or share them through an object store.

    \b
    Example:
      workbench cache ls
      workbench cache prune --older-than 30 --dry-run
      workbench cache publish --features s3://lab/features
    """


@command.command("ls")
@click.option("--shared", is_flag=True, help="List the store at --features instead.")
@settings_options("cache", "features")
@as_json
def list_usage(shared: bool, as_json: bool, **flags: Any) -> None:
    """List features by model."""
    from workbench.features import cache_usage

    settings = load_settings(**flags)
    check_output_folder("--cache", settings.cache)
    if shared:
        _list_shared(settings, as_json)
        return
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


@command.command("publish")
@click.option("--model", help="Only this model's features (name, or first characters of a fingerprint).")
@click.option("--dry-run", is_flag=True, help="Show what would be sent.")
@settings_options("cache", "features")
def publish_features(model: str | None, dry_run: bool, **flags: Any) -> None:
    """Send cached features that the store at --features lacks, for others to read."""
    from workbench.features.sharing import publish

    settings = load_settings(**flags)
    sent = publish(settings.cache, _remote(settings), model=model, dry_run=dry_run)
    for table in sent:
        answer(f"{_size(table.bytes)}  {table.rows:8} rows  {table.shards:6} shards  {table.address}")
    total = _size(sum(table.bytes for table in sent)).strip()
    answer(f"{'would send' if dry_run else 'sent'} {total}")


@command.command("compact")
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@settings_options("cache", "features")
def compact_store(dry_run: bool, **flags: Any) -> None:
    """Put the commits of the store at --features together, and delete what interrupted writers left."""
    from workbench.features.sharing import compact

    for table in compact(_remote(load_settings(**flags)), dry_run=dry_run):
        answer(f"{table.commits:6} -> {table.left} commits  {table.abandoned} abandoned shards  {table.address}")
        for address in table.lost:
            answer(f"{address} is listed and not there; its features are computed again when they are needed.")


def _list_shared(settings: "Settings", as_json: bool) -> None:
    from workbench.features.sharing import remote_usage

    usage = remote_usage(_remote(settings))
    if as_json:
        answer_json([asdict(entry) for entry in usage])
        return
    answer(str(settings.features))
    for entry in usage:
        answer(f"{_size(entry.bytes)}  {entry.shards:6} shards  {entry.precision:5}  {entry.model}")


def _remote(settings: "Settings") -> "RemoteStore":
    from workbench.errors import WorkbenchError
    from workbench.features.store import remote_store

    remote = remote_store(settings)
    if remote is None:
        raise WorkbenchError(
            "no shared feature store is named: give --features ADDRESS, such as s3://bucket/prefix, or set "
            "WORKBENCH_FEATURES."
        )
    return remote


def _size(count: int) -> str:
    return f"{count / 2**20:10.1f} MiB"
