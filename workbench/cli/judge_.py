"""`workbench judge`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, opened_store, settings_options
from workbench.texts import plain

if TYPE_CHECKING:
    from workbench.generated import Judgement
    from workbench.models import Encoder


@click.command("judge")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="Model argument.")
@click.option("--reference", help="Dataset or folder of real images, for CMMD.")
@click.option(
    "--split", type=click.Choice(["train", "val", "test", "all"]), default="all", show_default=True,
    help="Part of the reference dataset.",
)  # fmt: skip
@click.option("--name", default="generated", show_default=True, help="MLflow experiment.")
@click.option("--log/--no-log", default=True, show_default=True, help="Keep the result in MLflow.")
@click.option("--worst", default=5, show_default=True, type=click.IntRange(0), help="Images with low scores to show.")
@settings_options("device", "precision", "preprocessing", "tracking_uri", "cache", "data", "max_unreadable", "hash_ids")
@as_json
def command(
    folder: Path,
    model: str,
    reference: str | None,
    split: Any,
    name: str,
    log: bool,
    worst: int,
    as_json: bool,
    **flags: Any,
) -> None:
    """Judge generated images: FOLDER holds them and a metadata.csv or .jsonl with file_name and prompt.

    CLIPScore of each image and its mean, how often an image is nearest to its own prompt, and with --reference the
    distance of the two sets (CMMD).

    \b
    Example:
      workbench judge generated/ --model ViT-L-14-336-quickgelu/openai --reference photos/
      workbench judge generated/ --model offline-lite --no-log --json
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.features import FeatureStore
    from workbench.generated import judge, read_prompts, record_judgement, reference_features
    from workbench.models import open_model

    settings = load_settings(**flags)
    if log:
        opened_store(settings).link.check()  # Before the work, not after it.
    images, encoder = read_prompts(folder), open_model(model, settings)
    with ConsoleReporter() as reporter:
        references = reference and reference_features(
            reference,
            encoder,
            settings,
            split,
            progress=lambda done, total: reporter.progress("reference", done, total),
        )
        judged = judge(
            images, encoder, FeatureStore.of(settings), references or None, max_unreadable=settings.max_unreadable,
            workers=settings.workers, progress=lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    run_id = record_judgement(judged, encoder, settings, name) if log else None
    if as_json:
        answer_json(_record(judged, encoder, run_id))
    else:
        _print(judged, worst)
        if run_id is not None:
            answer(f"run {run_id} of {name}: workbench results --suite {name}")
    for note in (*judged.images.notes, *(f"left out: {file}: {reason}" for file, reason in judged.unreadable)):
        click.echo(plain(note), err=True)
    if encoder.notice:
        click.echo(f"{model} is {encoder.notice}.", err=True)


def _print(judged: "Judgement", worst: int) -> None:
    from workbench.metrics.formatting import format_interval, format_value, heading

    answer(f"{len(judged.images.files)} images of {judged.different_prompts} prompts")
    for name, estimate in judged.estimates.items():
        doubt = "" if estimate.reliable else " (unreliable: few prompts)"
        span = format_interval(name, estimate.low, estimate.high)
        answer(f"{heading(name):18s} {format_value(name, estimate.value)} {span}{doubt}")
    for name, value in judged.distances.items():
        answer(f"{heading(name):18s} {format_value(name, value)}")
    if judged.reference:
        answer(f"reference: {judged.reference[0]}, {judged.reference[1]} images")
    for i in judged.clip_scores.argsort(kind="stable")[:worst]:
        answer(f"  {judged.clip_scores[i]:.4f}  {plain(judged.images.files[i])}  {plain(judged.images.prompts[i])}")


def _record(judged: "Judgement", encoder: "Encoder", run_id: str | None) -> dict[str, Any]:
    from workbench.metrics import flatten

    rows = zip(judged.images.files, judged.images.prompts, judged.clip_scores.tolist(), judged.nearest, strict=True)
    return {
        "run_id": run_id,
        "model": encoder.name,
        "precision": encoder.precision,
        "reference": judged.reference[0] if judged.reference else None,
        "metrics": {
            **flatten(judged.estimates),
            **judged.distances,
            "different_prompts": judged.different_prompts,
        },
        "images": [
            {"file_name": file, "prompt": prompt, "clip_score": score, "nearest_prompt": nearest}
            for file, prompt, score, nearest in rows
        ],
        "unreadable": [{"file_name": file, "reason": reason} for file, reason in judged.unreadable],
    }
