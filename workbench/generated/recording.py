"""A judgement as a run of the MLflow store, beside all other runs."""

import hashlib
import logging
from pathlib import Path

from workbench.datasets import cards
from workbench.generated.judging import Judgement
from workbench.masking import masked
from workbench.metrics.estimate import flatten
from workbench.models import Encoder
from workbench.pseudonyms import Pseudonyms
from workbench.runs.provenance import device_name, git_tags, version_tags
from workbench.runs.workspace import run_folder
from workbench.settings import Settings
from workbench.tasks.generation import NAME
from workbench.tracking import RunRecorder, open_store, read_runs, schema
from workbench.tracking.checksums import write_checksums
from workbench.tracking.faults import answering
from workbench.tracking.places import recorded_place

_log = logging.getLogger(__name__)
RECIPE = "judge"
_VERSION = "1"


def record_judgement(judgement: Judgement, encoder: Encoder, settings: Settings, suite: str) -> str:
    """Write a judgement into the store; an earlier one of the same images, prompts, reference and model is replaced.

    Args:
        judgement: The result of `judge`.
        encoder: The model.
        settings: Give the store.
        suite: The MLflow experiment.

    Returns:
        The run's id. Where the store did not take all of it, that is logged as a warning.
    """
    store = open_store(settings)
    digest = f"{RECIPE} {_VERSION} {encoder.fingerprint} {judgement.digest}"
    key = hashlib.sha256(digest.encode()).hexdigest()
    name = judgement.images.folder.resolve().name
    pseudonyms = Pseudonyms.of_machine(settings.cache) if settings.hash_ids else None
    reference = _reference(judgement.reference[0], pseudonyms) if judgement.reference else ""
    recorder = RunRecorder.begin(
        store,
        suite,
        f"{name} / {RECIPE} / {encoder.name}",
        {
            "model": encoder.name, "dataset": name, "field": "generated", "task": NAME, "recipe": RECIPE,
            "shots": "0", "seed": 0, "recipe.reference": reference or "none",
        },
        {
            schema.RUN_KEY: key,
            schema.LABEL: RECIPE,
            schema.PRIMARY_METRIC: "clip_score",
            "dataset.fingerprint": judgement.digest,
            **({schema.REFERENCE: reference} if reference else {}),
            **({schema.PSEUDONYMS: pseudonyms.key_name} if pseudonyms else {}),
            schema.PLACE: recorded_place(str(judgement.images.folder.resolve()), pseudonyms, name),
            "model.fingerprint": encoder.fingerprint,
            "precision": encoder.precision,
            "device": encoder.device,
            "device.name": device_name(encoder.device),
            **({"model.notice": encoder.notice} if encoder.notice else {}),
            **version_tags(),
            **git_tags(),
        },
    )  # fmt: skip
    metrics = {
        **flatten(judgement.estimates),
        **judgement.distances,
        "different_prompts": float(judgement.different_prompts),
        "unreadable_images": float(len(judgement.unreadable)),
    }
    if judgement.reference:
        metrics["reference_images"] = float(judgement.reference[1])
        metrics["unreadable_reference_images"] = float(judgement.reference_unreadable)

    def write(folder: Path) -> None:
        _write_scores(judgement, pseudonyms, folder / "scores.parquet")
        write_checksums(folder)

    with run_folder(write, store.spool.folder) as folder:
        made = recorder.finish(metrics, {"notes": _notes(judgement, pseudonyms, reference)}, folder)
    if made.kept:
        _log.warning("%s; `workbench sync` sends it.", masked(made.kept))
    else:
        with answering(store.name):
            for run in read_runs(store, suite, key=key):
                if run.run_id != recorder.run_id:
                    store.delete_run(run.run_id, run.artifact_uri)
    return made.result.run_id


def _reference(argument: str, pseudonyms: Pseudonyms | None) -> str:
    """The reference as it is recorded: no absolute path, and under pseudonyms no path at all."""
    if pseudonyms is not None and argument.partition(" (")[0] not in cards.names():
        return pseudonyms.of(argument)
    return recorded_place(argument)


def _notes(judgement: Judgement, pseudonyms: Pseudonyms | None, reference: str) -> str:
    images, text = judgement.images, "\n".join(judgement.images.notes)
    if judgement.reference:
        text = text.replace(judgement.reference[0], reference)
    if pseudonyms is None:
        return text
    return pseudonyms.replaced(text, {*images.files, *images.noted_names, *(name for name, _ in judgement.unreadable)})


def _write_scores(judgement: Judgement, pseudonyms: Pseudonyms | None, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "file_name": [pseudonyms.of(name) if pseudonyms else name for name in judgement.images.files],
            "prompt": list(judgement.images.prompts),
            "clip_score": judgement.clip_scores,
            "nearest_prompt": list(judgement.nearest),
        }
    )
    pq.write_table(table, path, compression="zstd")
