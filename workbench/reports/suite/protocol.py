"""A report's section on its numbers: the protocol in words, and versions, fingerprints and times from the runs."""

from collections.abc import Sequence
from datetime import UTC, datetime

from workbench.reports.suite.blocks import Block, Bullets, Heading, Paragraph, TableBlock, TextCell
from workbench.runs.comparisons import SuiteComparison
from workbench.runs.planning import NO_MODEL
from workbench.tasks import installed
from workbench.tracking import RunResult, schema

_TEXT = (
    "A recipe is given the training and validation images of its run with their labels or texts, the class names and "
    "prompts where there are classes, and the model. It is never given the test split: the engine alone asks the "
    "fitted predictor about test images and texts, and does not tell it labels, captions, or what belongs together.",
    "Hyper-parameters, early stopping and every other choice are made on validation. With k shots there are min(k, "
    "available) training and min(k, 4) validation images a class, the same images for every recipe at a seed. Where a "
    "dataset has no classes, training and validation have min(k, available) images each, in all.",
    "A value is the mean over seeds, ± the standard deviation over seeds. Its 95 % interval is a bootstrap over seeds "
    "and test items together, over whole groups where the dataset names groups; that of a share of right items is "
    "Clopper and Pearson's, of so many items as have the bootstrap's variance. Groups of unequal size count by their "
    "effective number; where it is under 20 (or there are under 20 items) the interval is marked unreliable (†).",
    "Two recipes are compared on the same test items at the same model, dataset and shots: the interval is that of "
    "their difference, seeds and items resampled alike for both. The test is McNemar's (exact) for shares of right "
    "items (accuracy, recall at k) with one seed and no groups. Otherwise the predictions of both are exchanged at "
    "random within items or groups and the difference of the means over seeds is computed anew: for metrics that are "
    "sums over items a sign-flip test, exact for counts of right items, for all others (macro-F1, AUROC, average "
    "precision, ECE) an exchange test.",
    "p-values are Holm-corrected over all comparisons of the suite and metric, whatever part of them is shown. A "
    "difference is claimed where the corrected p is below 0.05 and the interval leaves 0 out; otherwise there is no "
    "evidence of a difference, which does not mean that there is none.",
    "Ranks over datasets follow Demšar (2006): Friedman's test, then Nemenyi's critical difference at 5 %. Each "
    "dataset is ranked by the metric of its table. The majority class is not ranked.",
)
_VERSIONS = (
    "git.commit",
    "device.name",
    "precision",
    "precision.drift",
    "preprocessing",
    "preprocessing.drift",
    "workbench.protocol",
    "workbench.refit",
)


def protocol(comparison: SuiteComparison) -> list[Block]:
    """The section on how the numbers were made."""
    runs = [run for entry in comparison.results for run in entry.group.runs]
    blocks: list[Block] = [Heading(2, "How these numbers were made"), Bullets((*_TEXT, *_items(runs)))]
    started = [run.started for run in runs if run.started]
    if started:
        when = " to ".join(dict.fromkeys(_day(value) for value in (min(started), max(started))))
        blocks.append(Paragraph(f"{len(runs)} runs, made {when} (UTC)."))
    comparable = {run.dataset: run.tags.get("dataset.protocol", "") for run in runs}
    blocks.append(Bullets(tuple(f"{name}: {text}" for name, text in sorted(comparable.items()) if text)))
    notices = dict.fromkeys(
        f"{run.model} is {run.tags['model.notice']}." for run in runs if run.tags.get("model.notice")
    )
    lineages = {run.model: run.tags[schema.MODEL_LINEAGE] for run in runs if schema.MODEL_LINEAGE in run.tags}
    blocks.append(Bullets((*notices, *(f"{model} is {lineage}." for model, lineage in lineages.items()))))
    blocks.append(Bullets(comparison.notes))
    blocks = [block for block in blocks if not isinstance(block, Bullets) or block.items]
    return [*blocks, *_tables(runs)]


def _items(runs: Sequence[RunResult]) -> list[str]:
    """A sentence on the test items, where a report is not of classification alone."""
    tasks = {task for run in runs if (task := installed(run.task)) is not None}
    named = "; ".join(sorted(task.items for task in tasks))
    return [f"Test items are {named}."] if any(not task.names_classes for task in tasks) else []


def _tables(runs: Sequence[RunResult]) -> list[Block]:
    names = sorted({name for run in runs for name in run.tags if name.startswith("version.")})
    rows = [(name.removeprefix("version."), _values(runs, name)) for name in [*_VERSIONS, *names]]
    prints = {f"dataset {run.dataset}": run.tags.get("dataset.fingerprint", "") for run in runs}
    prints |= {f"model {run.model}": run.tags.get("model.fingerprint", "") for run in runs if run.model != NO_MODEL}
    return [
        TableBlock(
            ("what", "version or value"), tuple((TextCell(a), TextCell(b)) for a, b in rows if b), numbers=False,
            title="Versions",
        ),
        TableBlock(
            ("what", "fingerprint"), tuple((TextCell(a), TextCell(b)) for a, b in sorted(prints.items()) if b),
            numbers=False,
            title="Fingerprints of data and weights",
        ),
    ]  # fmt: skip


def _values(runs: Sequence[RunResult], name: str) -> str:
    return ", ".join(dict.fromkeys(run.tags[name] for run in runs if run.tags.get(name)))


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
