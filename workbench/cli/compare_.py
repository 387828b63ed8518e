"""`workbench compare`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_exactly, answer_json
from workbench.cli._options import as_json, load_settings, opened_store, settings_options

if TYPE_CHECKING:
    from workbench.settings import Settings


@click.command("compare")
@click.argument("first", required=False)
@click.argument("others", nargs=-1)
@click.option("--suite", help="Compare a suite's recipes over their seeds and datasets instead of single runs.")
@click.option("--metric", help="Metric to compare; default the card's primary metric.")
@click.option("--dataset", "datasets", multiple=True, help="With --suite: show only this dataset; repeatable.")
@click.option("--recipe", "recipes", multiple=True, help="With --suite: show only pairs with this recipe; repeatable.")
@click.option("--shots", multiple=True, help="With --suite: show only this number of shots; repeatable.")
@settings_options("tracking_uri", "cache")
@as_json
def command(
    first: str | None,
    others: tuple[str, ...],
    suite: str | None,
    metric: str | None,
    datasets: tuple[str, ...],
    recipes: tuple[str, ...],
    shots: tuple[str, ...],
    as_json: bool,
    **flags: Any,
) -> None:
    """Compare run FIRST with each of OTHERS, or all recipes of a suite, on the same test items.

    Each comparison has the paired difference with its 95 % interval and a Holm-corrected p-value. OTHERS are runs, or
    Parquet files of other tools with the columns `id` and `scores`. With --suite, seeds and items are resampled
    together, recipes are ranked over datasets, datasets without the metric are left out, and --dataset, --recipe and
    --shots only choose what is shown: the correction counts all pairs of the suite.

    \b
    Example:
      workbench compare 3f2a 9c1b
      workbench compare 3f2a other-tool.parquet --metric macro_f1 --json
      workbench compare --suite few-shot --shots 16
    """
    settings = load_settings(**flags)
    if suite is not None:
        if first is not None:
            raise click.UsageError("Give either runs or --suite.")
        _suite(settings, suite, metric, {"dataset": datasets, "recipe": recipes, "shots": shots}, as_json)
        return
    if first is None or not others:
        raise click.UsageError("Give a run and what to compare it with, or --suite SUITE.")
    if datasets or recipes or shots:
        raise click.UsageError("--dataset, --recipe and --shots go with --suite.")
    opened_store(settings)
    _runs(settings, first, others, metric, as_json)


def _runs(settings: "Settings", first: str, others: tuple[str, ...], metric: str | None, as_json: bool) -> None:
    from workbench.runs.comparisons.opening import compare_by_id

    comparisons = compare_by_id(first, others, metric, settings)
    if as_json:
        answer_json([asdict(comparison) for comparison in comparisons])
        return
    for comparison in comparisons:
        answer(str(comparison))


def _suite(
    settings: "Settings", suite: str, metric: str | None, filters: dict[str, tuple[str, ...]], as_json: bool
) -> None:
    from workbench.cli._progress import ConsoleReporter
    from workbench.reports.suite import suite_json, suite_text
    from workbench.runs.comparisons import compare_suite

    with ConsoleReporter(quiet=as_json) as reporter:
        comparison = compare_suite(
            opened_store(settings), suite, metric, lambda done, total: reporter.progress("datasets", done, total)
        )
    answer_exactly(suite_json(comparison, filters) if as_json else suite_text(comparison, filters))
