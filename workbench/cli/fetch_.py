"""`workbench fetch`."""

from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.texts import plain


@click.command("fetch")
@click.argument("suite", required=False)
@click.option("--model", "models", multiple=True, help="Model argument; repeatable.")
@click.option("--dataset", "datasets", multiple=True, help="Registered name, card file or folder; repeatable.")
@settings_options("cache", "data")
@as_json
def command(suite: str | None, models: tuple[str, ...], datasets: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Bring SUITE's models and datasets onto this machine, and list what to copy to one without internet.

    \b
    Example:
      workbench fetch few-shot
      workbench fetch --model hf-hub:vinid/plip --dataset oxford-flowers102
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.errors import WorkbenchError
    from workbench.runs.fetching import fetch
    from workbench.runs.suite import load_suite

    if suite is None and not (models or datasets):
        raise WorkbenchError("Give a suite (`workbench list suites`), --model or --dataset.")
    named = load_suite(suite) if suite else None
    settings = load_settings(**flags)
    wanted = [*(named.models if named else ()), *models]
    read = [*(named.arguments if named else ()), *datasets]
    with ConsoleReporter() as reporter:
        found = fetch(wanted, read, settings, reporter)
    if as_json:
        answer_json([
            {"kind": each.kind, "argument": each.argument, "bytes": each.bytes, "paths": each.paths} for each in found
        ])  # fmt: skip
        return
    for each in found:
        answer(f"{each.kind} {plain(each.argument)}  {each.bytes / 1e6:.1f} MB")
        for path in each.paths:
            answer(f"    {plain(str(path))}")
    answer(
        f"Copy these to the same places of the other machine, with {plain(str(settings.cache))}, which has the lists "
        "of images, and set HF_HUB_OFFLINE=1 there."
    )
