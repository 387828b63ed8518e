"""`workbench serve`."""

from typing import Any

import click

from workbench.cli._options import load_settings, settings_options


@click.command("serve")
@click.argument("run")
@click.option("--port", default=8700, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--open-to-network", is_flag=True,
    help="Needed for an --address that others reach: there is no password and no encryption, so whoever reaches it may "
    "ask, and reads ids and labels of the run's dataset.",
)  # fmt: skip
@click.option("--allow-host", "hosts", multiple=True, help="A name by which others call the server; repeatable.")
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="URL",
    help="A page whose scripts may ask, such as http://127.0.0.1:8000; repeatable.",
)  # fmt: skip
@click.option("--max-bytes", type=click.IntRange(1), help="Of a request (default 32 MiB).")
@click.option("--max-pixels", type=click.IntRange(1), help="Of an image (default 50,000,000).")
@click.option("--max-images", type=click.IntRange(1), help="Of a request (default 64).")
@settings_options("device", "tracking_uri", "cache", "data")
def command(
    run: str,
    port: int,
    address: str,
    open_to_network: bool,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    max_bytes: int | None,
    max_pixels: int | None,
    max_images: int | None,
    **flags: Any,
) -> None:
    """Serve the finished run RUN (an id, or its beginning) over HTTP, for a page or a robot on this machine.

    \b
    Example:
      workbench serve 3f2a
      curl -F images=@leaf.jpg http://127.0.0.1:8700/predict
      curl -F image=@desk.jpg -F texts="the blue box" -F boxes="[[10,20,90,80],[120,30,200,110]]" \\
           http://127.0.0.1:8700/ground
    """
    from workbench.runs.usable import UsableRun
    from workbench.serving.limits import Limits
    from workbench.serving.server import is_loopback, open_server

    if not is_loopback(address) and not open_to_network:
        raise click.UsageError(
            f"--address {address}: others would reach the server, which has no password and no encryption, and could "
            "read ids and labels of the run's dataset. Add --open-to-network if that is meant."
        )
    for origin in origins:
        if "://" not in origin or origin.rstrip("/").count("/") > 2:
            raise click.UsageError(f"--allow-origin {origin}: expected scheme and host alone, http://127.0.0.1:8000.")
    given = {"bytes": max_bytes, "pixels": max_pixels, "images": max_images}
    limits = Limits(**{key: value for key, value in given.items() if value is not None})
    opened = UsableRun.open(run, load_settings(**flags))
    result = opened.result

    server = open_server(
        opened, address=address, port=port, hosts=hosts, origins=tuple(origin.rstrip("/") for origin in origins),
        limits=limits,
    )  # fmt: skip
    click.echo(f"{result.recipe} on {result.dataset} ({result.task}): {server.url}  (Ctrl-C ends it)")
    server.run()
