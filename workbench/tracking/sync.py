"""Send what is in the spool: each run once, and whole."""

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
from workbench.tracking.record import Record
from workbench.tracking.spool import Entry
from workbench.tracking.store import Store


@dataclass(frozen=True)
class Sync:
    """What became of the spool.

    Attributes:
        sent: Names of runs that are in the store now, and were not.
        there: Names of runs that the store had in a newer state; the entries are gone.
        remaining: Names of runs that are still in the spool, with the reason.
        damaged: Entries that were moved aside, where they are now, with what is wrong with them.
        others: How many entries are for other stores.
        busy: Whether another process was sending; nothing was done then.
    """

    sent: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    remaining: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    others: int = 0
    busy: bool = False

    def sentences(self, folder: Path, name: str) -> list[str]:
        """What to tell, nothing where there is nothing to tell.

        Args:
            folder: The spool.
            name: The store, masked.
        """
        said = []
        if self.sent:
            said.append(f"{counted(len(self.sent), 'run')} of {folder} sent to {name}.")
        if self.there:
            said.append(f"{counted(len(self.there), 'run')} of {folder} removed: {name} has the same in a newer state.")
        for reason in dict.fromkeys(self.remaining.values()):
            own = [each for each, why in self.remaining.items() if why == reason]
            # It begins so that a quiet reporter says it, too.
            said.append(
                f"failed to send {counted(len(own), 'run')} to {name}, kept in {folder}: {reason}. `workbench sync` "
                f"tries again ({'; '.join(own[:3])}{'; ...' if len(own) > 3 else ''})."
            )
        said += [f"{place}: damaged, {reason}; it cannot be sent." for place, reason in self.damaged.items()]
        if self.busy:
            said.append(f"{folder}: another process sends it, or it may not be written; nothing was done.")
        return said


def sync(store: Store, *, everything: bool = True) -> Sync:
    """Send the spool's runs for a store.

    A run that the store has already, under its own id or by what was sent before, is brought to its end instead
    of being made again. Of runs with one key the newest stays. After a fault of the whole store the rest is
    left for later.

    Args:
        store: Where.
        everything: Also what the store has refused before, for example for its size.

    Raises:
        StoreError: The store does not answer; the spool is as it was.
    """
    spool = store.spool
    if not spool.folder.is_dir():
        return Sync()
    with spool.held() as alone:
        if not alone:
            return Sync(busy=True)
        # Before anything is moved: who gets no further than this is told nothing else.
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
            (result.there if missing is None else result.sent).append(name)
            spool.remove(entry)
    return result


def sync_before(store: Store, say: Callable[[str], None]) -> None:
    """Send what is waiting, where there is something and it can be sent, before a command's own work; tell of it."""
    if not store.spool.folder.is_dir():
        return
    try:
        found = sync(store, everything=False)
    except StoreError:
        return  # The command itself will say so.
    for sentence in [] if found.busy else found.sentences(store.spool.folder, store.name):
        say(sentence)


def _send(entry: Entry, store: Store) -> dict[str, str] | None:
    """Artifacts that were not taken; None where the store has a newer run and wants nothing."""
    record, client = entry.record, store.client
    with answering(store.name):
        same = read_runs(store, record.suite, key=record.key) if record.key else []
        own = next((run for run in same if entry.id == run.tags.get(schema.SPOOL) or run.run_id == record.run_id), None)
        others = [run for run in same if run is not own]
        if any(run.status == "finished" and _outranks(run.started, record) for run in others):
            if own is not None:
                store.delete_run(own.run_id, own.artifact_uri)
            return None
        tags = {**record.tags, schema.SPOOL: entry.id}
    if own is None:
        made = client.create_run(
            store.experiment(record.suite), start_time=record.started, tags=tags, run_name=record.name
        )
        run_id, uri = made.info.run_id, made.info.artifact_uri
    else:
        run_id, uri = own.run_id, own.artifact_uri
        if schema.ERROR in own.tags and schema.ERROR not in record.tags:
            client.delete_tag(run_id, schema.ERROR)  # Another command took it for given up.
    missing = deliver(store, run_id, uri, replace(record, tags=tags), entry.artifacts)
    if not missing:
        found: Any = client.get_run(run_id).data.tags
        for tag in {schema.SPOOL, schema.ARTIFACTS_MISSING} & found.keys():
            client.delete_tag(run_id, tag)
    for run in others:
        # Another process may be at work on a newer one.
        if run.status != "running" and (record.status == "FINISHED" or run.status != "finished"):
            store.delete_run(run.run_id, run.artifact_uri)
    return missing


def _outranks(started: int, record: Record) -> bool:
    """Whether a finished run stays where this one is to be sent; what failed replaces nothing."""
    return started >= record.started or record.status != "FINISHED"
