"""The group of commands, loaded one by one so that `--help` and `list` answer at once."""

from importlib import import_module
from typing import Any

import click

from workbench._version import __version__

_COMMANDS = {
    "run": "Run a suite, or the models, datasets and recipes given.",
    "adapt": "Adapt a model to a field by contrastive training on images and texts.",
    "jobs": "Show the jobs that were submitted, and how far they are.",
    "results": "Show results as table, Markdown, CSV, LaTeX or JSON.",
    "list": "List recipes, models, datasets, suites or generators.",
    "show": "Show a dataset card, a recipe, a model, a suite or a run.",
    "check": "Look for unreadable files, duplicates and leaks in a dataset.",
    "predict": "Apply a finished run to a folder of unlabelled images.",
    "serve": "Serve a finished run over HTTP, for a page or a robot on this machine.",
    "label": "Label a folder of images by names and descriptions of classes.",
    "suggest": "Choose the images of a folder to label next, by a finished run.",
    "search": "Search a dataset by sentences and images.",
    "prompts": "Compare the templates of a card on validation images.",
    "judge": "Judge generated images by the prompts that made them.",
    "embed": "Compute a dataset's features and write them as Parquet.",
    "export": "Write a run for other tools: ONNX, torch, open_clip, scikit-learn, NumPy, MLflow.",
    "fetch": "Bring a suite's models and datasets here, and list what to copy.",
    "new": "Start a package with a recipe of your own.",
    "cache": "Show or prune what is cached.",
    "compare": "Compare runs, or all recipes of a suite, on the same test items.",
    "curve": "Say what more training images will bring, from a suite's shots.",
    "verify": "Compare published numbers with those of this machine.",
    "report": "Write a suite's report as HTML and Markdown.",
    "sync": "Send the runs that the store could not take.",
    "dashboard": "Open the dashboard on the store's runs.",
    "doctor": "Show what the workbench finds on this machine.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"workbench.cli.{name}_").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # Click would import every command for its first line.
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from workbench.registry import closest

            ctx.fail(f"No command is called {args[0]!r}.{closest(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="workbench")
def cli() -> None:
    """How far does pretrained CLIP get on your data, what does each way of adapting it buy, can you trust it?

    \b
    Example:
      workbench run quickstart
      workbench run --model ViT-B-32/laion2b_s34b_b79k --dataset path/to/folder --recipe zero-shot --recipe linear-probe
      workbench results
    """
