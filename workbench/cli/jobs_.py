"""`workbench jobs`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, opened_store, settings_options

if TYPE_CHECKING:
    from workbench.executors.listing import JobState


@click.command("jobs")
@click.option("--stop", metavar="JOB", help="Cancel what waits, and let the runs in hand finish.")
@settings_options("tracking_uri")
@as_json
def command(stop: str | None, as_json: bool, **flags: Any) -> None:
    """Show the jobs that were submitted, and how far they are. Runs that they have made are sent to the store.

    \b
    Example:
      workbench jobs
      workbench jobs --stop 20250131-120000-1f0c5a
    """
    from workbench.executors.listing import job_states, stop_job

    store = opened_store(load_settings(**flags))
    if stop is not None:
        job = stop_job(store, stop)
        if not as_json:
            answer(f"Job {job.id} stops: what waits is cancelled, and the runs in hand are finished.")
    jobs = job_states(store)
    if as_json:
        answer_json([asdict(job) for job in jobs])
        return
    for each in jobs:
        answer(_text(each))
    if not jobs:
        answer("No job was submitted.")


def _text(job: "JobState") -> str:
    from workbench.texts import plain

    made, runs = (sum(getattr(task, name) for task in job.tasks) for name in ("made", "runs"))
    lines = [f"{job.job}  {job.executor}, suite {plain(job.suite)}, {job.started}: {made} of {runs} runs made"]
    for task in job.tasks:
        name = f"{task.task}  " if task.task else ""
        lines.append(f"  {name}{plain(task.dataset)} / {plain(task.model)}: {task.state}, {task.made} of {task.runs}")
        if task.state == "lost" and task.last:
            lines.append(f"    {plain(task.last)}")
    return "\n".join(lines)
