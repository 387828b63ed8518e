"""`workbench adapt`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.texts import plain

if TYPE_CHECKING:
    from workbench.adaptation.adapt import MadeAdaptation


@click.command("adapt")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fresh", is_flag=True, help="Begin again, and replace the run that is there.")
@click.option("--quiet", is_flag=True, help="No progress.")
@settings_options("device", "precision", "preprocessing", "tracking_uri", "cache", "data", "max_unreadable", "hash_ids")
@as_json
def command(file: Path, fresh: bool, quiet: bool, as_json: bool, **flags: Any) -> None:
    """Adapt a model to a field by contrastive training on images and texts, as FILE (TOML) says.

    It is measured by zero-shot and retrieval as it goes, and on sets that it must not forget; `--model run:RUN` takes
    the network. The same command goes on where it was interrupted.

    \b
    Example:
      workbench adapt leaves.toml
      workbench run --model run:3f2a --dataset leaf-morphology --recipe zero-shot
    """
    from workbench.adaptation.adapt import adapt
    from workbench.adaptation.config import read_adaptation
    from workbench.cli._progress import ConsoleReporter

    settings, adaptation = load_settings(**flags), read_adaptation(file)
    with ConsoleReporter(quiet=quiet) as reporter:
        made = adapt(adaptation, settings, fresh=fresh, reporter=reporter)
    if as_json:
        answer_json({"run": made.run.to_dict(), "datasets": list(made.rows)})
    else:
        _print(made)


def _print(made: "MadeAdaptation") -> None:
    from workbench.formatting import format_p
    from workbench.metrics.formatting import format_difference, format_interval, format_value, heading

    width = max(len(plain(row["dataset"])) for row in made.rows)
    for row in made.rows:
        metric = row["metric"]
        span = format_interval(metric, row["low"], row["high"])
        value = f"{heading(metric)} {format_value(metric, row['value'])} {span}"
        line = f"{plain(row['dataset']):{width}s}  {row['state']:7s} {value}"
        if "difference" in row:
            line += f"  {format_difference(metric, row['difference'])}, {format_p(row['p_value'])}"
        answer(line)
    tags = made.run.tags
    answer(f"step {tags.get('chosen.step', '?')}, alpha {tags.get('chosen.alpha', '?')}")
    answer(f"run {made.run.run_id} of {made.run.suite}: workbench run --model run:{made.run.run_id[:8]} ...")
