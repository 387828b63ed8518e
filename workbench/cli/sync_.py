"""`workbench sync`."""

import sys
from dataclasses import asdict
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options


@click.command("sync")
@settings_options("tracking_uri")
@as_json
def command(as_json: bool, **flags: Any) -> None:
    """Send the runs that the store could not take, and that wait in the spool below the runs folder.

    The next command that works on the same store does so, too, but for runs that the store has refused. Exits with 1
    while something remains.

    \b
    Example:
      workbench sync
      workbench sync --tracking-uri http://127.0.0.1:5000 --json
    """
    from workbench.formatting import counted
    from workbench.tracking import open_store, sync

    store = open_store(load_settings(**flags))
    report = sync(store)
    if as_json:
        answer_json({"store": store.name, "spool": str(store.spool.folder), **asdict(report)})
    else:
        sentences = report.sentences(store.spool.folder, store.name)
        for sentence in sentences:
            answer(sentence)
        if not sentences:
            answer(f"Nothing waits in {store.spool.folder} for {store.name}.")
        if report.others:
            count = counted(report.others, "run waits", "runs wait")
            answer(f"{count} there for other stores; --tracking-uri names one of them.")
    sys.exit(1 if report.remaining or report.damaged or report.busy else 0)
