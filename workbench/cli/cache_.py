"""`workbench cache`."""

import json
import time
from dataclasses import asdict
from typing import Any

import click

from workbench.cli._options import as_json, load_settings, settings_options


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
def ls(as_json: bool, **flags: Any) -> None:
    """List features by model."""
    from workbench.features import usage

    settings = load_settings(**flags)
    found = usage(settings.cache)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in found], indent=1))
        return
    click.echo(f"{settings.cache}")
    click.echo(_table(found))


@command.command("prune")
@click.option("--model", help="Only this model's features.")
@click.option("--older-than", type=float, metavar="DAYS", help="Only what was last used longer ago.")
@click.option("--all", "everything", is_flag=True, help="All features.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted.")
@settings_options("cache")
def prune_command(model: str | None, older_than: float | None, everything: bool, dry_run: bool, **flags: Any) -> None:
    """Delete cached features; they are computed again when needed."""
    from workbench.errors import WorkbenchError
    from workbench.features import prune

    if not (model or older_than is not None or everything):
        raise WorkbenchError("cache prune: say what to delete: --model, --older-than DAYS, or --all.")
    found = prune(load_settings(**flags).cache, model=model, older_than_days=older_than, dry_run=dry_run)
    click.echo("would delete:" if dry_run else "deleted:")
    click.echo(_table(found))


def _table(entries: Any) -> str:
    lines = [
        f"{entry.bytes / 2**20:10.1f} MiB  {time.strftime('%Y-%m-%d', time.localtime(entry.last_used))}  "
        f"{entry.precision:5}  {entry.model}"
        for entry in entries
    ]
    return "\n".join(lines) or "nothing"
