"""`workbench curve`."""

from typing import Any

import click

from workbench.cli._answers import answer, answer_exactly
from workbench.cli._options import as_json, load_settings, opened_store, settings_options


@click.command("curve")
@click.argument("suite")
@click.option(
    "--target", "targets", multiple=True, type=float,
    help="Value of the metric to be reached, shares in 0..1: how many images will it take? Repeatable.",
)  # fmt: skip
@click.option("--metric", help="Metric; default the card's primary metric.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; repeatable.")
@click.option("--recipe", "recipes", multiple=True, help="Only this recipe; repeatable.")
@settings_options("tracking_uri", "cache")
@as_json
def command(
    suite: str,
    targets: tuple[float, ...],
    metric: str | None,
    datasets: tuple[str, ...],
    recipes: tuple[str, ...],
    as_json: bool,
    **flags: Any,
) -> None:
    """Say what more training images will bring, from a SUITE that was run at several numbers of shots.

    A power law is fitted to each recipe's errors; the band holds all laws that seeds and test items do not rule out. It
    takes at least four numbers of shots, and three seeds or more.

    \b
    Example:
      workbench curve few-shot
      workbench curve few-shot --target 0.9 --dataset flowers102 --json
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.reports.suite.learning import LEGEND, learning_text
    from workbench.reports.suite.machine import curves_json
    from workbench.reports.suite.selection import select
    from workbench.runs.comparisons import compare_suite
    from workbench.runs.comparisons.learning import check_target

    with ConsoleReporter(quiet=as_json) as reporter:
        comparison = compare_suite(
            opened_store(load_settings(**flags)), suite, metric,
            lambda done, total: reporter.progress("datasets", done, total),
        )  # fmt: skip
    shown = select(comparison, {"dataset": datasets, "recipe": recipes})
    for curve in shown.curves:
        for target in targets:
            check_target(curve.metric, target)
    if as_json:
        answer_exactly(curves_json(shown.curves, targets))
        return
    for curve in shown.curves:
        answer(learning_text(curve, targets) + "\n")
    answer(LEGEND if shown.curves else f"Nothing in suite {suite} was run at several numbers of shots.")
