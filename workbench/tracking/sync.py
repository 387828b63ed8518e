"""Send the runs in the spool: each once, and complete."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.formatting import counted
from workbench.tracking import schema
from workbench.tracking.delivery import deliver, in_words
from workbench.tracking.faults import StoreError, answering, faults, why
from workbench.tracking.reading import read_runs
from workbench.tracking.record import RunRecord
from workbench.tracking.spool import SpoolEntry
from workbench.tracking.store import Store


@dataclass(frozen=True)
class Sync:
    """The result of sending the spool.

    Attributes:
        sent: Names of runs that were added to the store.
        superseded: Names of runs that the store had in a newer state; their entries were removed.
        remaining: Names of runs that are still in the spool, with the reason.
        damaged: Paths that damaged entries were moved to, with the damage.
        others: How many entries are for other stores.
        busy: Whether another process was sending; nothing was done then.
    """

    sent: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    remaining: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    others: int = 0
    busy: bool = False

    def sentences(self, folder: Path, name: str) -> list[str]:
        """A report for the user; empty where nothing happened.

        Args:
            folder: The spool.
            name: The store, masked.
        """
        sentences = []
        if self.sent:
            sentences.append(f"{counted(len(self.sent), 'run')} of {folder} sent to {name}.")
        if self.superseded:
            sentences.append(
                f"{counted(len(self.superseded), 'run')} of {folder} removed: {name} has the same in a newer state."
            )
        for reason in dict.fromkeys(self.remaining.values()):
            names = [run_name for run_name, cause in self.remaining.items() if cause == reason]
            # A quiet reporter shows messages that begin with "failed".
            sentences.append(
                f"failed to send {counted(len(names), 'run')} to {name}, kept in {folder}: {reason}. `workbench sync` "
                f"tries again ({'; '.join(names[:3])}{'; ...' if len(names) > 3 else ''})."
            )
        sentences += [f"{place}: damaged, {reason}; it cannot be sent." for place, reason in self.damaged.items()]
        if self.busy:
            sentences.append(f"{folder}: another process sends it, or it may not be written; nothing was done.")
        return sentences


def sync(store: Store, *, everything: bool = True) -> Sync:
    """Send the spool's runs for a store.

    A run that the store already has in part, from when it was made or from an earlier attempt, is completed instead of
    being added again. Of runs with one key the newest stays. After a fault of the whole store the rest is left for
    later.

    Args:
        store: The store.
        everything: Also send runs that the store has refused before, for example for their size.

    Raises:
        StoreError: The store does not answer; the spool is as it was.
    """
    spool = store.spool
    if not spool.folder.is_dir():
        return Sync()
    with spool.held() as alone:
        if not alone:
            return Sync(busy=True)
        # Before anything is moved: where the store does not answer, this error is the only message.
        if any(everything or not entry.problem for entry in spool.entries(store.server)):
            store.link.check()
        spool.remove_stale()
        damaged = {str(place): reason for place, reason in spool.set_damaged_aside()}
        result = Sync(damaged=damaged, others=spool.others(store.server))
        for entry in spool.entries(store.server):
            name = f"{entry.record.suite}: {entry.record.name}"
            name += f" ({entry.id})" if name in result.remaining else ""
            reason = entry.problem if entry.problem and not everything else store.link.reason
            if reason:
                result.remaining[name] = reason
                continue
            caught: tuple[type[Exception], ...] = (*faults(), WorkbenchError)  # An experiment may be deleted there.
            try:
                missing = _send(entry, store)
            except caught as error:
                store.link.note(error)
                result.remaining[name] = why(error)
                if not store.link.reason:
                    spool.note(entry, why(error))
                continue
            if missing:
                result.remaining[name] = f"the store did not take {in_words(missing)}; its numbers are there"
                spool.note(entry, result.remaining[name])
                continue
            (result.superseded if missing is None else result.sent).append(name)
            spool.remove(entry)
    return result


def sync_before(store: Store, say: Callable[[str], None]) -> None:
    """Send waiting runs, where there are any and they can be sent, before a command's work; report what was sent."""
    if not store.spool.folder.is_dir():
        return
    try:
        outcome = sync(store, everything=False)
    except StoreError:
        return  # The command itself will say so.
    for sentence in [] if outcome.busy else outcome.sentences(store.spool.folder, store.name):
        say(sentence)


def _send(entry: SpoolEntry, store: Store) -> dict[str, str] | None:
    """Artifacts that the store did not take; None where it has a newer run, so that nothing is sent."""
    record, client = entry.record, store.client
    with answering(store.name):
        runs = read_runs(store, record.suite, key=record.key) if record.key else []
        stored = next(
            (run for run in runs if entry.id == run.tags.get(schema.SPOOL) or run.run_id == record.run_id), None
        )
        superseded = [run for run in runs if run is not stored]
        if any(run.status == "finished" and _outranks(run.started, record) for run in superseded):
            if stored is not None:
                store.delete_run(stored.run_id, stored.artifact_uri)
            return None
        tags = {**record.tags, schema.SPOOL: entry.id}
    if stored is None:
        created = client.create_run(
            store.experiment(record.suite), start_time=record.started, tags=tags, run_name=record.name
        )
        run_id, uri = created.info.run_id, created.info.artifact_uri
    else:
        run_id, uri = stored.run_id, stored.artifact_uri
        if schema.ERROR in stored.tags and schema.ERROR not in record.tags:
            client.delete_tag(run_id, schema.ERROR)  # Another command took it for given up.
    missing = deliver(store, run_id, uri, replace(record, tags=tags), entry.artifacts)
    if not missing:
        tags_now: Any = client.get_run(run_id).data.tags
        for tag in {schema.SPOOL, schema.ARTIFACTS_MISSING} & tags_now.keys():
            client.delete_tag(run_id, tag)
    for run in superseded:
        # Another process may be at work on a newer one.
        if run.status != "running" and (record.status == "FINISHED" or run.status != "finished"):
            store.delete_run(run.run_id, run.artifact_uri)
    return missing


def _outranks(started: int, record: RunRecord) -> bool:
    """Whether a finished run stays in the store in place of this one; a failed run replaces nothing."""
    return started >= record.started or record.status != "FINISHED"
