"""Names of all that is installed, plug-ins included, as `run` takes them."""

from workbench.datasets import list_cards
from workbench.metrics.registry import all_metrics
from workbench.models.plugin import models
from workbench.recipes import recipes
from workbench.runs import suite_names
from workbench.tasks import tasks, tasks_of


def list_datasets(*, field: str | None = None, task: str | None = None) -> list[str]:
    """Datasets with a card.

    Args:
        field: Only those of this field, such as `botany`.
        task: Only those of this task, such as `retrieval`.
    """
    cards = [(listing.name, listing.card) for listing in list_cards()]
    return [
        name
        for name, card in cards
        if card is not None and field in {None, card.field} and task in {None, card.task}
    ]  # fmt: skip


def list_models(*, open_clip: bool = False) -> list[str]:
    """Models of installed packages; `hf-hub:ORG/REPO`, `local-dir:PATH`, `ARCH@FILE`, `timm:NAME` work, too.

    Args:
        open_clip: Also every `ARCH/TAG` of open_clip.
    """
    if not open_clip:
        return models.names()
    from workbench.models.catalogue import pretrained_models

    return [*models.names(), *pretrained_models()]


def list_recipes(*, task: str | None = None) -> list[str]:
    """Recipes.

    Args:
        task: Only those that can do this task; each recipe is imported for it.
    """
    if task is None:
        return recipes.names()
    tasks.get(task)
    usable = [entry.name for entry in recipes.listing(probe=True) if not entry.problem]
    return [name for name in usable if task in tasks_of(recipes.get(name))]


def list_tasks() -> list[str]:
    """Tasks."""
    return tasks.names()


def list_metrics() -> list[str]:
    """Metrics, as cards and run records name them."""
    return sorted(all_metrics())


def list_suites() -> list[str]:
    """Suites that ship with the workbench; `run` takes a suite file, too."""
    return suite_names()
