"""The registry of tasks."""

from importlib.metadata import EntryPoint
from typing import Any

from workbench.errors import WorkbenchError
from workbench.recipes import Recipe
from workbench.registry import Registry
from workbench.tasks.task import DatasetTask, Task


def _is_task(loaded: Any, point: EntryPoint) -> type[Task]:
    if not (isinstance(loaded, type) and issubclass(loaded, Task)):
        raise WorkbenchError(f"task {point.name!r}: {point.value} is not a subclass of workbench.plugin.Task.")
    lacking = sorted(getattr(loaded, "__abstractmethods__", ()))
    if issubclass(loaded, DatasetTask):
        lacking += [name for name in ("Card", "Capability") if not hasattr(loaded, name)]
        lacking += [] if loaded.Result else ["Result"]
    if lacking:
        raise WorkbenchError(f"task {point.name!r}: {point.value} lacks {', '.join(lacking)}.")
    return loaded


tasks: Registry[type[Task]] = Registry("workbench.tasks", "task", _is_task)
"""All installed tasks."""


def installed(name: str) -> type[Task] | None:
    """The task of a recorded run; None where the package that has it is not installed, or broken."""
    try:
        return tasks.get(name)
    except WorkbenchError:
        return None


def dataset_task(name: str) -> type[DatasetTask]:
    """The task that a card names.

    Raises:
        WorkbenchError: It is not installed, broken, or no task on datasets.
    """
    task = tasks.get(name)
    if not issubclass(task, DatasetTask):
        raise WorkbenchError(f"task {name!r} is no task on datasets.")
    return task


def tasks_of(recipe: type[Recipe[Any]]) -> list[str]:
    """Names of the tasks that a recipe can do, sorted."""
    names = []
    for name in tasks.names():
        task = installed(name)
        if task is not None and issubclass(task, DatasetTask) and task.does(recipe):
            names.append(name)
    return names
