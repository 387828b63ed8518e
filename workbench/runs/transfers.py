"""What the runs of a suite are made on: whole datasets, and what `[[transfer]]` takes of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from workbench.datasets.transfer import EACH_DOMAIN, Transfer
from workbench.recipes import RunSpec
from workbench.runs.suite import RecipeEntry, Suite
from workbench.runs.transfer_entry import TransferEntry


@dataclass(frozen=True)
class Place:
    """A dataset, or what a transfer makes of two, with the recipes that are run on it.

    Attributes:
        dataset: Dataset argument.
        transfer: See `RunSpec`.
        labels: Labels of the suite's recipes; None for all.
        trains: Whether recipes that train are run.
        others: Whether recipes that do not train are run.
        baseline: Whether the majority class is.
    """

    dataset: str
    transfer: Transfer | None = None
    labels: tuple[str, ...] | None = None
    trains: bool = True
    others: bool = True
    baseline: bool = True

    def takes(self, entry: RecipeEntry, *, trains: bool, is_baseline: bool) -> bool:
        """Whether a recipe is run here.

        Args:
            entry: The recipe.
            trains: Whether it is given labelled images.
            is_baseline: Whether it is the majority class, which nobody asks how well it transfers.
        """
        arguments = (self.dataset,) if self.transfer is None else (self.transfer.source, self.transfer.target)
        if entry.datasets is not None and not set(arguments) <= set(entry.datasets):
            return False
        if is_baseline:
            return self.baseline
        if self.labels is not None and (entry.label or entry.recipe) not in self.labels:
            return False
        return self.trains if trains else self.others


def places_of(suite: Suite) -> Iterator[Place]:
    """All places of a suite. One may come twice, with other recipes.

    Of a transfer these are the source, on which everything is run; each target, on which recipes are run that do not
    train; and each target with the source's training images, on which those are run that do. Where only shared classes
    are taken, they are taken everywhere, so that all numbers are of the same classes.
    """
    for dataset in suite.datasets:
        yield Place(dataset)
    for entry in suite.transfer:
        yield from _within(entry) if entry.dataset is not None else _across(entry)


def with_domains(specs: Sequence[RunSpec], domains_of: Callable[[str], Sequence[str]]) -> list[RunSpec]:
    """Specifications with a run for each domain in place of one for `EACH_DOMAIN`.

    Args:
        specs: The plan.
        domains_of: Gives the domains of a dataset argument.
    """
    expanded = []
    for spec in specs:
        if spec.transfer is None or spec.transfer.domain != EACH_DOMAIN:
            expanded.append(spec)
            continue
        each = (replace(spec.transfer, domain=domain) for domain in domains_of(spec.dataset))
        expanded += [replace(spec, transfer=transfer) for transfer in each]
    return expanded


def _within(entry: TransferEntry) -> Iterator[Place]:
    """Each domain, trained on all domains, and on the others."""
    dataset = entry.dataset or ""
    one = Transfer(dataset, dataset, domain=EACH_DOMAIN)
    yield Place(dataset, replace(one, trained_on="target"), entry.recipes)
    yield Place(dataset, one, entry.recipes, others=False, baseline=False)


def _across(entry: TransferEntry) -> Iterator[Place]:
    source = entry.source or ""
    if entry.classes != "shared":
        yield Place(source, None, entry.recipes)
    for target in entry.targets:
        one = Transfer(source, target, entry.classes, tuple(sorted(entry.mapping.items())))
        is_shared = entry.classes == "shared"
        if is_shared:
            yield Place(source, replace(one, tested_on="source"), entry.recipes)
        in_target = replace(one, trained_on="target") if is_shared else None
        yield Place(target, in_target, entry.recipes, trains=False, baseline=False)
        yield Place(target, one, entry.recipes, others=False, baseline=False)
