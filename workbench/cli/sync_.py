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
    """Send the runs that the store could not take: what waits in the spool below the runs folder.

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
    found = sync(store)
    if as_json:
        answer_json({"store": store.name, "spool": str(store.spool.folder), **asdict(found)})
    else:
        said = found.sentences(store.spool.folder, store.name)
        for sentence in said:
            answer(sentence)
        if not said:
            answer(f"Nothing waits in {store.spool.folder} for {store.name}.")
        if found.others:
            count = counted(found.others, "run waits", "runs wait")
            answer(f"{count} there for other stores; --tracking-uri names one of them.")
    sys.exit(1 if found.remaining or found.damaged or found.busy else 0)
