"""The model card beside an export: `README.md` as the Hugging Face Hub reads it, all of it from the run's record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

from workbench._version import __version__
from workbench.datasets import DatasetCard
from workbench.metrics.derived import P_SUBGROUP, base_of
from workbench.metrics.formatting import format_interval, format_value, heading
from workbench.runs.finished import FinishedRun
from workbench.runs.planning import NO_MODEL
from workbench.tasks import DatasetTask, installed
from workbench.texts import markdown
from workbench.tracking import RunResult, schema

CARD = "README.md"
_TEMPLATE = Path(__file__).with_name("card.md.j2")
_LOW, _HIGH = "_ci_low", "_ci_high"
_ABOUT = (
    "Measured on {items}{groups}, which neither the fit nor any choice has seen. Intervals are 95 % "
    "bootstrap intervals over {units}, those of shares of right items Clopper and Pearson's."
)
_VERSIONS = ("version.clip-workbench", "version.torch", "version.open_clip_torch", "git.commit", "device.name")


@dataclass(frozen=True)
class Table:
    """Metrics of one kind.

    Attributes:
        title: Its heading.
        rows: Name, value and interval.
    """

    title: str
    rows: tuple[tuple[str, str, str], ...]


def write_model_card(run: FinishedRun, folder: Path, usage: str, *, library: str, pipeline: str) -> None:
    """Write `README.md` into a folder; one that is there is replaced.

    Args:
        run: The run.
        folder: Of the export.
        usage: How it is used, Markdown.
        library: `library_name` of the metadata.
        pipeline: `pipeline_tag` of the metadata.
    """
    from huggingface_hub import ModelCard

    result, card = run.result, _card_of(run)
    values = {
        "title": f"{result.label} on {result.dataset}",
        "summary": _summary(run),
        "usage": usage.strip(),
        "data": _data(run, card),
        "made": _made(run),
        "about_results": _about_results(result),
        "tables": [_escaped(table) for table in metric_tables(result.metrics)],
        "limits": _limits(run),
        "licence": _licence(card),
        "citation": "" if card is None else card.citation,
    }
    text = {key: value if key in {"usage", "tables"} else _markdown(value) for key, value in values.items()}
    metadata = _metadata(run, library, pipeline)
    made = ModelCard.from_template(metadata, template_str=_template(), **text)
    (folder / CARD).write_text(str(made), encoding="utf-8")


def _card_of(run: FinishedRun) -> DatasetCard | None:
    """The card of the run's dataset; None for a run on several, such as an adaptation."""
    task = installed(run.result.task)
    return run.card if task is not None and issubclass(task, DatasetTask) else None


def _template() -> str:
    # The Hub's library does not trim the lines of blocks.
    text = _TEMPLATE.read_text(encoding="utf-8")
    return text.replace("%}\n", "%}")


def _markdown(value: Any) -> Any:
    if isinstance(value, str):
        return markdown(value)
    return [_markdown(each) for each in value]


def _escaped(table: Table) -> Table:
    rows = tuple((markdown(name), value, markdown(interval)) for name, value, interval in table.rows)
    return Table(markdown(table.title), rows)


def metric_tables(metrics: dict[str, float]) -> list[Table]:
    """A run's metrics by what they are about; those without an interval are counts and times, and left out."""
    titles: dict[str, Callable[[str, str | None], bool]] = {
        "All test items": lambda name, way: way is None and "/" not in name,
        "Operating points, chosen on validation": lambda name, way: way is None and _is_of_points(name),
        "Groups of images": lambda _, way: way == "group",
        "Subgroups": lambda name, way: way in {"subgroup", "over subgroups"} or name.startswith(P_SUBGROUP),
        "Before calibration": lambda _, way: way == "uncalibrated",
    }
    found: dict[str, list[tuple[str, str, str]]] = {title: [] for title in (*titles, "Parts")}
    for name, value in metrics.items():
        if f"{name}{_LOW}" not in metrics and not name.startswith(P_SUBGROUP):
            continue
        base = base_of(name)
        way = None if base is None else base.way
        title = next((title for title, holds in titles.items() if holds(name, way)), "Parts")
        ends = format_interval(name, metrics.get(f"{name}{_LOW}", nan), metrics.get(f"{name}{_HIGH}", nan))
        found[title].append((heading(name), format_value(name, value), ends))
    return [Table(title, tuple(rows)) for title, rows in found.items() if rows]


def _is_of_points(name: str) -> bool:
    return name.partition("/")[0].endswith(("_at", "_at_prevalence"))


def _metadata(run: FinishedRun, library: str, pipeline: str) -> Any:
    from huggingface_hub import EvalResult, ModelCardData

    result, card, config = run.result, _card_of(run), run.config
    hub = None if card is None else getattr(card.source, "id", None)
    metrics = [name for name in result.metrics if f"{name}{_LOW}" in result.metrics and "/" not in name]
    base = str(config["model_argument"])
    return ModelCardData(
        language=result.tags.get(schema.LANGUAGE),
        license="other",
        license_name="of-the-base-weights-and-of-the-data",
        library_name=library,
        pipeline_tag=pipeline,
        tags=["clip", "clip-workbench", *filter(None, (result.recipe, result.field))],
        model_name=f"{result.label} on {result.dataset}",
        datasets=[hub] if hub else None,
        base_model=base.removeprefix("hf-hub:") if base.startswith("hf-hub:") else None,
        eval_results=[
            EvalResult(
                task_type=pipeline,
                dataset_type=hub or result.dataset,
                dataset_name=(card and card.title) or result.dataset,
                dataset_split="test",
                metric_type=name,
                metric_value=result.metrics[name],
                metric_args={"ci_low": result.metrics[f"{name}{_LOW}"], "ci_high": result.metrics[f"{name}{_HIGH}"]},
            )
            for name in metrics
        ],
    )


def _summary(run: FinishedRun) -> str:
    result = run.result
    base = "" if result.model == NO_MODEL else f" on {result.model}"
    notice = f" {result.model} is {result.tags['model.notice']}." if result.tags.get("model.notice") else ""
    count = len(run.config["class_names"])
    classes = f" It tells {count} classes apart." if count else ""
    return f"Recipe {result.recipe}{base} for {result.dataset}, by clip-workbench {__version__}.{classes}{notice}"


def _data(run: FinishedRun, card: DatasetCard | None) -> list[str]:
    result, config = run.result, run.config
    counts = ", ".join(f"{count} {split}" for split, count in config.get("images", {}).items())
    about = [result.dataset]
    if card is not None:
        about = [f"{card.title or card.name} ({card.field}; {card.language})", card.description]
    lines = [
        ": ".join(filter(None, about)),
        f"Images: {counts}." if counts else "",
        f"Classes: {', '.join(map(str, config['class_names']))}." if config["class_names"] else "",
        f"Trained on {result.trained_on}, tested on {result.dataset}." if result.trained_on else "",
        f"Home page: {card.homepage}" if card is not None and card.homepage else "",
        f"Fingerprint {result.tags.get('dataset.fingerprint', '')}.",
        *map(str, config.get("notes", ())),
    ]
    return [line for line in lines if line]


def _made(run: FinishedRun) -> list[str]:
    result, config = run.result, run.config
    settings = ", ".join(f"{key} = {value}" for key, value in result.params.items())
    chosen = ", ".join(f"{key} = {value}" for key, value in config.get("report", {}).get("chosen", {}).items())
    versions = ", ".join(
        f"{name.removeprefix('version.')} {result.tags[name]}" for name in _VERSIONS if name in result.tags
    )
    lines = [
        f"Shots {result.shots} (training images a class), seed {result.seed}; run {result.run_id}.",
        f"Settings: {settings}." if settings else "",
        f"Chosen on validation: {chosen}." if chosen else "",
        f"Precision {config['precision']}, preprocessing {config.get('preprocessing', 'reference')}.",
        f"Protocol: {result.tags['dataset.protocol']}." if result.tags.get("dataset.protocol") else "",
        f"Made with {versions}.",
    ]
    return [line for line in lines if line]


def _about_results(result: RunResult) -> str:
    metrics = result.metrics
    groups = f" in {metrics['test_groups']:.0f} groups" if "test_groups" in metrics else ""
    units = "groups" if groups else "items"
    items = f"{metrics['test_items']:.0f} test items" if "test_items" in metrics else "the test items of each dataset"
    return _ABOUT.format(items=items, groups=groups, units=units)


def _limits(run: FinishedRun) -> list[str]:
    result, lines = run.result, []
    intervals = result.tags.get("intervals", "")
    if intervals and intervals != "reliable":
        lines.append(f"Intervals are {intervals}.")
    lines += run.config.get("report", {}).get("notes", ())
    lines += result.model_notes
    lines.append("Numbers hold for images like those of the test split, and say nothing of others.")
    if result.field == "medical":
        lines.append("This is no medical device; it has not been tested for use on patients.")
    if run.config["class_names"]:
        lines.append("It answers with one of its classes for every image, also for one that shows none of them.")
    return [str(line) for line in lines]


def _licence(card: DatasetCard | None) -> str:
    data = "" if card is None else f"The data: {card.licence}. "
    return (
        f"{data}What the licences of the base weights and of the data ask for holds for what was fitted on them, too."
    )


def usage_of_checkpoint(folder: Path) -> str:
    """The part of a checkpoint's `README.md` that says how it is loaded."""
    text = (folder / CARD).read_text(encoding="utf-8")
    return text[text.index("```python") :]


def python(lines: Sequence[str]) -> str:
    """A fence of Python."""
    return "\n".join(["```python", *lines, "```"])
