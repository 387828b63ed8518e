"""`workbench list`."""

from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, check_known
from workbench.datasets.card_headings import HeadingListing, heading_of, list_headings
from workbench.registry import Registry
from workbench.texts import plain


@click.command("list")
@click.argument(
    "what",
    type=click.Choice(["recipes", "models", "datasets", "suites", "tasks", "metrics", "sources", "generators"]),
)
@click.option("--field", help="Only datasets of this field; with models: those made for it.")
@click.option("--open-clip", is_flag=True, help="With models: open_clip's architectures and tags, too (slower).")
@click.option(
    "--probe", is_flag=True, help="Import every entry, validate every card, to see which are broken (slower)."
)
@as_json
def command(what: str, field: str | None, open_clip: bool, probe: bool, as_json: bool) -> None:
    """List what is installed, plug-ins included.

    \b
    Example:
      workbench list recipes --probe
      workbench list datasets --field botany
      workbench list models --open-clip
      workbench list models --field medical
    """
    if what == "datasets":
        rows = _datasets(field, probe)
    elif what == "models" and field is not None:
        rows = _field_models(field, as_json)
    elif what == "metrics":
        rows = _metrics()
    elif what == "suites":
        from workbench.runs.suite import suite_names

        rows = [{"name": name} for name in suite_names()]
    else:
        rows = _registered(what, probe)
        if what == "models" and open_clip:
            from workbench.models.catalogue import pretrained_models

            rows += [{"name": name, "provider": "open_clip"} for name in pretrained_models()]
    if as_json:
        answer_json(rows)
        return
    answer(_columns(rows))
    if what == "models" and field is not None:
        answer("\n--json shows what they were trained on, the prompts of their authors, and where this was checked.")
    elif what == "models":
        answer(
            "\nAlso: ARCH/TAG of open_clip (--open-clip lists them), ARCH@FILE, hf-hub:ORG/REPO, local-dir:PATH, "
            "timm:NAME, features:FILE, models of a field (--field medical), and run:RUN, the network that a run has "
            "adapted."
        )


def _field_models(field: str, whole: bool) -> list[dict[str, Any]]:
    """Models of a field: everything that is known of them, or what fits into a table."""
    from workbench.models.field_models import fields

    check_known("--field", [field], fields.names(), "no package lists models of this field")
    if whole:
        return [{**model.model_dump(), "field": field} for model in fields.get(field)]
    words = {True: "yes", False: "no", None: "?"}
    return [
        {
            "name": model.argument,
            "licence": model.licence or "?",
            "gated": words[model.gated],
            "resolution": str(model.resolution or "?"),
            "text tower": model.text_tower or "?",
        }
        for model in fields.get(field)
    ]


def _registered(what: str, probe: bool) -> list[dict[str, str]]:
    registry = _typed_registry(what) if probe else Registry(f"workbench.{what}", what[:-1], lambda loaded, _: loaded)
    rows = [
        {"name": entry.name, "provider": entry.provider, **({"problem": entry.problem} if entry.problem else {})}
        for entry in registry.listing(probe=probe)
    ]
    if probe and what == "recipes":
        rows = [row if "problem" in row else {**row, "sees": _sees(registry.get(row["name"]))} for row in rows]
    return rows


def _sees(recipe: Any) -> str:
    """What a recipe gets besides labelled images, under its default settings."""
    parts = [] if recipe.inference == "inductive" else [f"test images ({recipe.inference})"]
    return ", ".join([*parts, *(["unlabelled images"] if recipe.unlabelled else [])])


def _typed_registry(what: str) -> Registry[Any]:
    """The registry that also checks imported entries; names alone do not need it, and it is slower to import."""
    from workbench.datasets.generators import generators
    from workbench.datasets.sources import sources
    from workbench.models.plugin import models
    from workbench.recipes import recipes
    from workbench.tasks import tasks

    registries: dict[str, Registry[Any]] = {
        "recipes": recipes, "models": models, "generators": generators, "sources": sources,
        "tasks": tasks,
    }  # fmt: skip
    return registries[what]


def _metrics() -> list[dict[str, str]]:
    from workbench.metrics.registry import all_metrics, plugins

    rows = [
        {
            "name": name,
            "better": "higher" if metric.higher_is_better else "lower",
            "range": "{:g} to {:g}".format(*metric.bounds),
            "unit": metric.unit,
            "provider": plugins.provider(name) if name in plugins.names() else "clip-workbench",
        }
        for name, metric in sorted(all_metrics().items())
    ]
    broken = [entry for entry in plugins.listing(probe=True) if entry.problem]
    return [
        *rows,
        *({"name": entry.name, "provider": entry.provider, "problem": entry.problem or ""} for entry in broken),
    ]


def _datasets(field: str | None, probe: bool) -> list[dict[str, str]]:
    listings = _probed() if probe else list_headings()
    if field is not None:
        fields = [listing.heading.field for listing in listings if listing.heading is not None]
        check_known("--field", [field], fields, "no dataset is of this field")
    rows = []
    for listing in listings:
        heading = listing.heading
        if heading is None:
            rows.append({"name": listing.name, "provider": listing.provider, "problem": listing.problem or ""})
        elif field in {None, heading.field}:
            rows.append(
                {
                    "name": listing.name,
                    "field": heading.field,
                    "task": heading.task,
                    "languages": ",".join(heading.languages),
                    "source": heading.source,
                    "verified": "yes" if heading.verified else "no",
                    "licence": heading.licence,
                    "provider": listing.provider,
                }
            )
    return rows


def _probed() -> list[HeadingListing]:
    """As `list_headings`, of cards that were validated."""
    from workbench.datasets.catalogue import list_cards

    return [
        HeadingListing(each.name, each.provider, heading_of(each.card) if each.card else None, each.problem)
        for each in list_cards()
    ]


def _columns(rows: list[dict[str, str]]) -> str:
    if not rows:
        return "none"
    keys = list(dict.fromkeys(key for row in rows for key in row))
    table = [keys, *([plain(row.get(key, "")) for key in keys] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(keys))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table
    )
