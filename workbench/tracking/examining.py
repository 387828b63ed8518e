"""Try a store: does it answer, does it take a run and a file, and how fast."""

import tempfile
import time
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.tracking._reach import within
from workbench.tracking.faults import StoreError
from workbench.tracking.store import Store

EXPERIMENT = "workbench-doctor"
_SECONDS = 30.0


def examine_store(store: Store) -> list[str]:
    """Look at a local store without making it; write into a server, always into the same run.

    Returns:
        The store's state, and after it its faults, in sentences. Takes at most 45 seconds.
    """
    if not store.is_remote:
        wrong = []
        try:
            store.check_writable()
        except WorkbenchError as error:
            wrong.append(str(error))
        return [f"{store.name}{'' if store.exists else ' (not made yet)'}", *wrong]
    try:
        answered = store.link.check()
    except StoreError as error:
        return [f"{store.name} (does not answer)", str(error)]
    answer = f"{store.name} (answers in {answered * 1000:.0f} ms"
    began = time.monotonic()
    try:
        within(_SECONDS, lambda: _write(store), store.uri)
    except WorkbenchError as error:
        return [f"{answer}; cannot be written)", f"{error} It answers, but did not take a run with a file."]
    return [f"{answer}, takes a run with a file in {(time.monotonic() - began) * 1000:.0f} ms)"]


def _write(store: Store) -> None:
    client, experiment = store.client, store.experiment(EXPERIMENT)
    earlier_runs = client.search_runs([experiment], max_results=1)
    run_id = (earlier_runs[0] if earlier_runs else client.create_run(experiment, run_name="doctor")).info.run_id
    client.set_tag(run_id, "workbench.doctor", time.strftime("%Y-%m-%dT%H:%M:%S"))
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        file = Path(folder) / "doctor.txt"
        file.write_text("Written by `workbench doctor`.\n", encoding="utf-8")
        client.log_artifact(run_id, str(file))
    client.set_terminated(run_id, "FINISHED")
