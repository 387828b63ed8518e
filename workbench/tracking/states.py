"""Choose runs that can be compared: states of a dataset, a model and a recipe, and the setup of a suite."""

from collections.abc import Mapping, Sequence

from workbench.metrics.protocol import PROTOCOL
from workbench.tracking import schema
from workbench.tracking.results import RunResult

_DATASET = ("dataset.fingerprint", "workbench.protocol")
_MODEL = ("model.fingerprint",)
_TRAINED_ON = (schema.TRAINED_ON, schema.SOURCE_FINGERPRINT)
_RECIPE = (schema.RECIPE_VERSION,)
_SETUP = ("workbench.refit",)
_MODEL_SETUP = ("precision",)

State = tuple[str, ...]


def state(tags: Mapping[str, str]) -> State:
    """Everything by which runs of the same names and settings may differ; runs with equal states differ by seed."""
    return (*_read(tags, (*_DATASET, *_TRAINED_ON, *_MODEL, *_RECIPE, *_SETUP, *_MODEL_SETUP)), *_source(tags))


def dataset_state(tags: Mapping[str, str]) -> State:
    """Fingerprint of the dataset and version of the protocol, empty where a run has none."""
    return _read(tags, _DATASET)


def newest_state(runs: Sequence[RunResult]) -> list[RunResult]:
    """Leave out runs on another state of the dataset, the model or the recipe than the newest finished run.

    A change of precision or of refitting is a choice of a suite, so only runs of the same suite are held against each
    other in it. Runs that did not finish decide nothing, and newer ones than every finished run are kept. Runs of
    another protocol than this version's are left out even where there are no others: their numbers were made in
    another way.

    Args:
        runs: Newest first.

    Returns:
        Those kept, newest first.
    """
    newest: dict[tuple[str, ...], State] = {}
    kept = []
    for run in runs:
        if _has_other_protocol(run):
            continue
        # The dataset first: a run on an older state of it does not decide the newest model or recipe.
        for place, run_state in _states(run):
            known = newest.setdefault(place, run_state) if run.status == "finished" else newest.get(place, run_state)
            if known != run_state:
                break
        else:
            kept.append(run)
    return kept


def left_out(runs: Sequence[RunResult], kept: Sequence[RunResult]) -> list[str]:
    """How many runs `newest_state` has left out, and why, in sentences."""
    shown = {run.run_id for run in kept}
    gone = [run for run in runs if run.run_id not in shown]
    old = sum(map(_has_other_protocol, gone))
    counts = {
        f"this version makes numbers in another way (protocol {PROTOCOL}) than the one that made them; the same "
        "command makes them anew.": old,
        "made on another state of dataset, model or recipe, or with another precision or preprocessing, than the "
        "newest run.": len(gone) - old,
    }
    return [
        f"{count} of {len(runs)} runs {'is' if count == 1 else 'are'} left out: {reason}"
        for reason, count in counts.items()
        if count
    ]


def _has_other_protocol(run: RunResult) -> bool:
    return run.tags.get("workbench.protocol", PROTOCOL) != PROTOCOL


def _states(run: RunResult) -> list[tuple[tuple[str, ...], State]]:
    dataset = (run.dataset, run.tags.get(schema.LANGUAGE, "en"), _reference(run))
    return [
        (("dataset", *dataset), _read(run.tags, _DATASET)),
        *_trained_on(run, dataset),
        (("setup", *dataset, run.suite), _read(run.tags, _SETUP)),
        (("model", *dataset, run.model), _read(run.tags, _MODEL)),
        (("model setup", *dataset, run.model, run.suite), _read(run.tags, _MODEL_SETUP)),
        (("recipe", *dataset, run.recipe), _read(run.tags, _RECIPE)),
        *[(("source", *dataset, run.recipe), state) for state in [_source(run.tags)] if state],
    ]


def _source(tags: Mapping[str, str]) -> State:
    """Hash of the recipe's source where it decides; in releases the recipe's version decides instead."""
    return _read(tags, (schema.RECIPE_SOURCE,)) if tags.get(schema.SOURCE_DECIDES) == "true" else ()


def _trained_on(run: RunResult, dataset: tuple[str, ...]) -> list[tuple[tuple[str, ...], State]]:
    """The state of the dataset that a transfer is trained on."""
    name = run.trained_on
    return [(("trained on", *dataset, name), _read(run.tags, _TRAINED_ON))] if name else []


def _reference(run: RunResult) -> str:
    """The reference of generated images: part of their fingerprint, but another reference is no older state."""
    return run.tags.get(schema.REFERENCE, "")


def _read(tags: Mapping[str, str], names: Sequence[str]) -> State:
    return tuple(tags.get(name) or "" for name in names)
