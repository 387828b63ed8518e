"""`workbench prompts`."""

from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options


@click.command("prompts")
@click.argument("dataset")
@click.option("--model", required=True, help="Model argument.")
@click.option("--metric", help="Metric; default the card's primary metric.")
@click.option("--language", help="One of the card's languages; default its own.")
@settings_options("device", "precision", "preprocessing", "cache", "data")
@as_json
def command(
    dataset: str, model: str, metric: str | None, language: str | None, as_json: bool, **flags: Any
) -> None:  # fmt: skip
    """Compare the templates of DATASET's card, each alone and all together, by zero-shot on validation images.

    Says what the model's tokenizer cuts off, does not know, or cannot tell apart. Test images are not looked at, so
    that a wording may be chosen by what is found.

    \b
    Example:
      workbench prompts leaf-morphology --model offline-lite
      workbench prompts my-set.toml --model ViT-B-32/laion2b_s34b_b79k --metric balanced_accuracy --json
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets import open_dataset
    from workbench.models import open_model
    from workbench.prompting import compare_prompts
    from workbench.reports.prompt_text import prompts_json, prompts_text

    settings = load_settings(**flags)
    opened = open_dataset(dataset, settings, language=language)
    with ConsoleReporter(quiet=as_json) as reporter:
        found = compare_prompts(
            opened, open_model(model, settings), settings, metric,
            lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    if as_json:
        answer_json(prompts_json(found))
    else:
        answer(prompts_text(found))
