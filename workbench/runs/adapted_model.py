"""`run:RUN` as a model argument: the network that a run has adapted, as the encoder of any dataset and recipe."""

import json
from pathlib import Path

from workbench.errors import ModelError, WorkbenchError
from workbench.folders import is_whole, make_once
from workbench.models import save_checkpoint
from workbench.models.schemes import Located
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings

_CONFIG = "open_clip_config.json"
_LINEAGE = "lineage.json"
_ID_LENGTH = 32


def locate(source: str, settings: Settings) -> Located:
    """The network of a run, exported into the cache at its first use; see `workbench.models.schemes`.

    Args:
        source: The run's id, or an unambiguous beginning of it. With the whole id the store is not asked once the
            network is in the cache: a node of a cluster may not reach it.
        settings: Give the store and the cache.

    Raises:
        WorkbenchError: There is no such run, it is not finished, its recipe adapts no weights, or the cache cannot be
            written.
    """
    if not (len(source) == _ID_LENGTH and is_whole(_folder(source, settings))):
        run = FinishedRun.open_any(source, settings)
        source = run.result.run_id
        try:
            make_once(_folder(source, settings), lambda work: _export(run, work, _folder(source, settings)))
        except OSError as error:
            raise ModelError(
                f"model 'run:{source}': its network could not be written to {_folder(source, settings)} "
                f"({error.strerror or error}); free space there, or set WORKBENCH_CACHE to another folder."
            ) from error
    folder = _folder(source, settings)
    about = json.loads((folder / _LINEAGE).read_text(encoding="utf-8"))
    return Located(folder, about["lineage"], about["notice"])


def _folder(run_id: str, settings: Settings) -> Path:
    return settings.cache / "models" / f"run-{run_id}"


def _export(run: FinishedRun, work: Path, target: Path) -> None:
    try:
        save_checkpoint(run.network(), work, run.encoder)
    except WorkbenchError as error:
        raise ModelError(f"model 'run:{run.result.run_id}': {error}") from error
    # The folder is about to move, and a text tower of transformers is found by its place.
    for name in (_CONFIG, "README.md"):
        if not (work / name).exists():  # transformers has another.
            continue
        text = (work / name).read_text(encoding="utf-8")
        (work / name).write_text(text.replace(str(work.resolve()), str(target.resolve())), encoding="utf-8")
    about = {"lineage": lineage(run), "notice": run.encoder.notice}
    (work / _LINEAGE).write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")


def lineage(run: FinishedRun) -> str:
    """What a run's network was made from, in words."""
    result, base = run.result, run.encoder
    before = f"{base.name}, which is {base.lineage}" if base.lineage else base.name
    return (
        f"{before} adapted by {result.label} on {result.dataset} ({_shots(result.shots)}, seed {result.seed}; "
        f"run {result.run_id[:8]})"
    )


def _shots(shots: str) -> str:
    return "all images" if shots == "all" else f"{shots} shots"
