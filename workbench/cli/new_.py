"""`workbench new`."""

from pathlib import Path

import click

from workbench.cli._outputs import check_output_folder


@click.group("new")
def command() -> None:
    """Start something of your own.

    \b
    Example:
      workbench new recipe my-probe
      pip install -e my-probe && workbench list recipes
    """


@command.command("recipe")
@click.argument("name")
@click.option("--to", "parent", type=click.Path(path_type=Path), default=Path(), help="Folder to make the package in.")
def new_recipe(name: str, parent: Path) -> None:
    """Write a package with the recipe NAME: ready to install, with a passing test."""
    from workbench.scaffold import write_recipe_package

    check_output_folder("--to", parent)
    folder = write_recipe_package(name, parent)
    click.echo(f"written to {folder}\nnext: pip install -e {folder} && pytest {folder} && workbench show recipe {name}")
