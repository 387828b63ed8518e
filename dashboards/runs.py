"""The store's runs, read once and kept until the store changes; a server's arrive page by page."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from dashboards.run_list import RunList
from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.settings import Settings
from workbench.tracking import RunResult, Store, open_store, read_pages, read_runs

_FRESH_SECONDS = 60.0
_LOOK_SECONDS = 5.0
_renewing = threading.Lock()
"""Held while runs that are too old are read again, so that no other visitor starts the reading once more."""


@dataclass
class Feed:
    """Runs of a server, collected in the background, the newest first.

    Attributes:
        store: The server.
        runs: Those that have arrived.
        complete: Whether all have arrived.
        error: The reason why the reading stopped, or None.
        began: The time at which the reading began, monotonic.
    """

    store: Store
    runs: list[RunResult] = field(default_factory=list)
    complete: bool = False
    error: str | None = None
    began: float = field(default_factory=time.monotonic)
    _first: threading.Event = field(default_factory=threading.Event)
    _listed: RunList | None = None

    def start(self) -> "Feed":
        """Begin to read; returns when the first page is there or reading failed."""
        threading.Thread(target=self._read, daemon=True).start()
        self._first.wait()
        return self

    def listed(self) -> RunList:
        """The runs so far; the same list as long as no more have arrived."""
        runs, listed = self.runs, self._listed
        if listed is None or len(listed.read) != len(runs):
            listed = self._listed = RunList(sorted(runs, key=lambda run: run.recency, reverse=True))
        return listed

    def _read(self) -> None:
        try:
            for page in read_pages(self.store):
                self.runs = [*self.runs, *page]
                self._first.set()
        except WorkbenchError as error:
            self.error = str(error)
        except Exception as error:  # A thread's exception would leave the page waiting for ever.
            self.error = masked(f"{self.store.name}: {type(error).__name__}: {error}")
        self.complete = True
        self._first.set()


@dataclass(frozen=True)
class Snapshot:
    """The store's runs at one time.

    Attributes:
        store: Their store.
        runs: The runs.
        complete: False while a server's older runs are still arriving.
    """

    store: Store
    runs: RunList
    complete: bool = True


def snapshot(settings: Settings) -> Snapshot:
    """The runs as of now; raises `WorkbenchError` if the store cannot be read."""
    store = open_store(settings)
    if store.sqlite_file is not None:
        return Snapshot(store, _local(store.uri, _signature(store.sqlite_file)))
    with _renewing:
        feed = _feed(store.uri)
        if feed.complete and time.monotonic() - feed.began > _FRESH_SECONDS:
            _feed.clear()
            feed = _feed(store.uri)
        if feed.error:
            _feed.clear()
            raise WorkbenchError(feed.error)
    return Snapshot(store, feed.listed(), feed.complete)


def watch(store_snapshot: Snapshot) -> None:
    """Show that older runs are still arriving, or that the store has changed since the page was drawn."""
    file = store_snapshot.store.sqlite_file
    if file is not None:
        _watch_file(file)
        return
    if store_snapshot.complete:
        return

    @st.fragment(run_every=1.0)
    def progress() -> None:
        feed = _feed(store_snapshot.store.uri)
        st.caption(f"{len(feed.runs)} runs read so far, the newest first; older ones are still arriving.")
        if feed.complete:
            st.rerun(scope="app")

    progress()


def _watch_file(file: Path) -> None:
    """Offer what is new in a local store; the page is not drawn anew below the eyes of its reader."""
    drawn = _signature(file)

    @st.fragment(run_every=_LOOK_SECONDS)
    def look() -> None:
        if _signature(file) != drawn and st.button("The store has changed since: show what is new"):
            st.rerun(scope="app")

    look()


@st.cache_resource(max_entries=4, show_spinner="Reading the store")
def _local(uri: str, signature: tuple[int, ...]) -> RunList:  # noqa: ARG001 - part of the key
    return RunList(read_runs(Store(uri)))


@st.cache_resource(max_entries=4, show_spinner="Asking the MLflow server")
def _feed(uri: str) -> Feed:
    return Feed(Store(uri)).start()


def _signature(file: Path) -> tuple[int, ...]:
    """Changes whenever SQLite commits to the file or its journal."""
    signature = []
    for path in (file, file.with_name(f"{file.name}-wal")):
        if path.exists():
            stat = path.stat()
            signature += [stat.st_mtime_ns, stat.st_size]
    return tuple(signature)
