"""`workbench verify`."""

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_folder


@click.command("verify")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--dataset", "datasets", multiple=True, help="Only numbers of this dataset; repeatable.")
@click.option(
    "--expected", "places", multiple=True, type=click.Path(path_type=Path), metavar="PATH",
    help="File, or folder of files, of published numbers in place of those that installed packages list; repeatable.",
)  # fmt: skip
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Folder for a report in HTML, Markdown and JSON.")
@click.option("--fresh", is_flag=True, help="Run finished runs again, too.")
@click.option("--quiet", is_flag=True, help="No progress.")
@settings_options("device", "precision", "preprocessing", "tracking_uri", "cache", "data")
@as_json
def command(
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    places: tuple[Path, ...],
    folder: Path | None,
    fresh: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Compare published numbers with those of this machine.

    Runs that are finished are reused, others are made. Nothing is downloaded: numbers whose model or dataset is not
    here are counted apart. Exit code 1 says that a number differs by more than its tolerance, or that none could be
    compared.

    \b
    Example:
      workbench verify
      workbench verify offline-lite --dataset tabletop --to verified/
      workbench verify ViT-B-32-quickgelu/openai --json
      workbench verify --expected our-numbers.toml
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.reports.verification import verification_text, write_verification
    from workbench.verification import choose, installed_expected, read_places, verify

    if folder is not None:
        check_output_folder("--to", folder)
    settings = load_settings(**flags)
    expected = choose(read_places(places) if places else installed_expected(), models, datasets)
    with ConsoleReporter(quiet=quiet or as_json) as reporter:
        checks = verify(expected, settings, fresh=fresh, reporter=reporter)
    files = [] if folder is None else write_verification(checks, folder)
    if as_json:
        answer_json([check.to_dict() for check in checks])
    else:
        answer(verification_text(checks))
        for path in files:
            answer(str(path))
    verdicts = {check.verdict for check in checks}
    if "fail" in verdicts or "pass" not in verdicts:
        sys.exit(1)
