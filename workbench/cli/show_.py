"""`workbench show`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file


@click.command("show")
@click.argument("what", type=click.Choice(["dataset", "recipe", "model", "suite", "run"]))
@click.argument("name")
@click.option("--card", is_flag=True, help="With a dataset: print the card as TOML, to start one's own from.")
@click.option(
    "--ids",
    "ids_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With a dataset: write ids, groups and the pseudonyms that runs record for them (.csv, .xlsx, ...).",
)
@settings_options("tracking_uri", "device", "precision", "preprocessing", "cache", "data")
@as_json
def command(what: str, name: str, card: bool, ids_file: Path | None, as_json: bool, **flags: Any) -> None:
    """Show one thing in full; of a failed run also where its traceback lies.

    \b
    Example:
      workbench show dataset photos/ --card > my-set.toml
      workbench show dataset photos/ --ids names.csv
      workbench show recipe lora
      workbench show run 3f2a --json
    """
    if card:
        from workbench.datasets import resolve_card
        from workbench.datasets.card_writing import card_to_toml

        answer(card_to_toml(resolve_card(name)[0]), nl=False)
        return
    if ids_file is not None:
        _write_ids(what, name, ids_file, flags)
        return
    description = {"dataset": _dataset, "recipe": _recipe, "model": _model, "suite": _suite, "run": _run}[what](
        name, flags
    )
    if as_json:
        answer_json(description)
    else:
        answer(_lines(description))


def _write_ids(what: str, name: str, path: Path, flags: dict[str, Any]) -> None:
    """A table of what `run --hash-ids` records for the names of a dataset."""
    from workbench.datasets import open_dataset
    from workbench.errors import WorkbenchError
    from workbench.pseudonyms import Pseudonyms
    from workbench.tables import check_table_name, write_table

    if what != "dataset":
        raise WorkbenchError(f"--ids is for a dataset, and {what} {name!r} has no images.")
    check_output_file("--ids", path)
    check_table_name("--ids", path)
    settings = load_settings(**flags)
    dataset = open_dataset(name, settings)
    rows = range(len(dataset))
    hidden = dataset.under_pseudonyms(Pseudonyms.of_machine(settings.cache))
    columns = (dataset.ids(rows), hidden.ids(rows), dataset.group_names(rows), hidden.group_names(rows))
    keys = ("id", "recorded_id", "group", "recorded_group")
    write_table(path, [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)])


def _dataset(name: str, flags: dict[str, Any]) -> dict[str, Any]:
    """The card, and counts and notes where the data are local."""
    from workbench.datasets import open_dataset, resolve_card
    from workbench.datasets.card import kind_of
    from workbench.errors import WorkbenchError

    card, _ = resolve_card(name)
    description: dict[str, Any] = card.model_dump(mode="json", exclude_none=True)
    if kind_of(card).downloads(card.source):
        description["images"] = "downloaded when a run needs them"
        return description
    try:
        dataset = open_dataset(name, load_settings(**flags))
    except WorkbenchError as error:
        description["images"] = str(error)
        return description
    description["images"] = {split: len(dataset.rows(split)) for split in ("train", "val", "test")}
    description["class_names"] = list(dataset.class_names)
    description["notes"] = list(dataset.notes)
    return description


def _recipe(name: str, flags: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    import inspect

    from workbench.recipes import recipes
    from workbench.tasks import tasks_of

    recipe = recipes.get(name)
    module = inspect.getmodule(recipe)
    return {
        "name": name,
        "provider": recipes.provider(name),
        "version": recipe.version,
        "tasks": tasks_of(recipe),
        "reads": recipe.reads,
        "inference": recipe.inference,
        "unlabelled": recipe.unlabelled,
        **(
            {"multi_label": bool(multi_label)}
            if (multi_label := getattr(recipe, "multi_label", None)) is not None
            else {}
        ),
        "settings": {
            key: repr(value.get_default(call_default_factory=True)) for key, value in recipe.Config.model_fields.items()
        },
        "settings_help": inspect.getdoc(recipe.Config) if recipe.Config.model_fields else None,
        "about": inspect.getdoc(module) or inspect.getdoc(recipe),
    }


def _model(name: str, flags: dict[str, Any]) -> dict[str, Any]:
    from workbench.models import open_model

    encoder = open_model(name, load_settings(**flags))
    return {
        "name": name,
        "fingerprint": encoder.fingerprint,
        "notice": encoder.notice,
        "lineage": encoder.lineage,
        "precision": encoder.precision,
        "drift_from_fp32": encoder.drift,
        "preprocessing": encoder.preprocessing,
        "device": encoder.device,
        "embed_dim": encoder.embed_dim,
        "pooled_dim": encoder.pooled_dim,
        "logit_scale": encoder.logit_scale,
        "logit_bias": encoder.logit_bias,
        "config": encoder.identity.config,
        "weights": [str(file.path) for file in encoder.identity.weights],
    }


def _suite(name: str, flags: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    from workbench.runs import load_suite

    return load_suite(name).model_dump(mode="json")


def _run(name: str, flags: dict[str, Any]) -> dict[str, Any]:
    from workbench.tracking import open_store
    from workbench.tracking.reading import one_run, traceback_place
    from workbench.tracking.ui import mlflow_page

    store = open_store(load_settings(**flags))
    run = one_run(store, name)
    place = traceback_place(store, run)
    return {**run.to_dict(), "mlflow_page": str(mlflow_page(store, run)), **({"traceback": place} if place else {})}


def _lines(value: Any, indent: int = 0) -> str:
    """Nested values as indented lines."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "\n".join(
            f"{pad}{key}:\n{_lines(item, indent + 1)}"
            if isinstance(item, dict | list) and item
            else f"{pad}{key}: {item}"
            for key, item in value.items()
        )
    if isinstance(value, list):
        return "\n".join(_lines(item, indent) if isinstance(item, dict) else f"{pad}- {item}" for item in value)
    return f"{pad}{value}"
