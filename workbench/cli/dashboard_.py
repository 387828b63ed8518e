"""`workbench dashboard`."""

import os
import sys
from importlib.util import find_spec
from typing import Any

import click

from workbench.cli._options import load_settings, opened_store, settings_options
from workbench.errors import WorkbenchError


@click.command("dashboard")
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@settings_options("tracking_uri", "cache", "data")
def command(port: int, address: str, **flags: Any) -> None:
    """Open the dashboard on the store's runs, in a browser.

    \b
    Example:
      workbench dashboard
      workbench dashboard --tracking-uri http://127.0.0.1:5000 --port 8600
    """
    settings = load_settings(**flags)
    opened_store(settings).link.check()  # An error here is easier to read than one in the browser.
    spec = find_spec("dashboards.app")
    if spec is None or spec.origin is None:
        raise WorkbenchError("dashboard: the package dashboards is not installed with the workbench; reinstall it.")
    environment = {
        **os.environ,
        "WORKBENCH_CACHE": str(settings.cache),
        "WORKBENCH_RUNS": str(settings.runs),
        **({"WORKBENCH_DATA": str(settings.data)} if settings.data else {}),
        **({"MLFLOW_TRACKING_URI": settings.tracking_uri} if settings.tracking_uri else {}),
    }
    options = {
        "server.address": address,
        "server.port": port,
        "browser.gatherUsageStats": "false",
        "server.showEmailPrompt": "false",  # It would wait for an answer where nobody has run Streamlit before.
        # What is chosen is blue: Streamlit's own red looks like an alarm.
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#56B4E9",
        "client.toolbarMode": "minimal",  # Without a button that deploys to a cloud.
    }
    arguments = [f"--{key}={value}" for key, value in options.items()]
    # In place of this process, so that ending it ends the server.
    os.execve(  # noqa: S606 - no shell is meant
        sys.executable, [sys.executable, "-m", "streamlit", "run", spec.origin, *arguments], environment
    )
