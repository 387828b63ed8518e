"""The course that every recipe on features takes: sweep a grid on all tasks together, choose, refit where asked."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

import torch
from torch import Tensor

from adapters._heads.choice import Grid, Setting, best, rank
from adapters._heads.data import FewShot, Stack, buckets, few_shots, stack
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.unseen import MARGIN, narrowed, rehearsed, widened
from workbench import ClassificationTask, FitReport, Predictor, Recipe, RecipeConfig, TaskModel

C = TypeVar("C", bound=RecipeConfig)

SpaceChoice = Literal["auto", "pooled", "projected"]


@dataclass(frozen=True)
class Swept:
    """What a grid gave for the tasks of a stack.

    Attributes:
        accuracy: (b, h) on validation, h the grid's points in its own order.
        nll: (b, h) likewise.
        build: Task and point to predictor.
        choice: (b,) the points to take where the recipe chose by itself.
        parameters: Number of fitted parameters of a task's predictor.
        found: Task and point to values that fitting found by itself, such as the number of steps.
        notes: Task and point to sentences for the reader of the run.
        measure: What `accuracy` is called in the record of what was tried.
    """

    accuracy: Tensor
    nll: Tensor
    build: Callable[[int, int], Predictor]
    choice: Tensor | None = None
    parameters: Callable[[int], int] = lambda _: 0
    found: Callable[[int, int], Setting] = lambda _, __: {}
    notes: Callable[[int, int], tuple[str, ...]] = lambda _, __: ()
    measure: str = "val_accuracy"


@dataclass
class Best:
    """A task's best candidate so far."""

    rank: tuple[float, float]
    space: Space
    setting: Setting
    predictor: Predictor
    parameters: int
    notes: tuple[str, ...]
    trials: list[dict[str, str | int | float | bool]] = field(default_factory=list)


class HeadRecipe(Recipe[C], Generic[C]):
    """A recipe that fits a head on cached features, all tasks of a group together.

    Subclasses give the grid, the values to take without validation, and `sweep`.
    """

    spaces: ClassVar[tuple[Space, ...]] = ("pooled", "projected")

    @abstractmethod
    def axes(self) -> Mapping[str, Sequence[float]]:
        """Hyper-parameters that validation chooses, simplest value first: of equals the first is taken."""

    @abstractmethod
    def defaults(self) -> Setting:
        """What is taken where there is no validation split; may hold more than the axes, such as steps."""

    @abstractmethod
    def sweep(self, batch: Stack, grid: Grid) -> Swept:
        """Fit every point of the grid on every task of the stack."""

    def narrow(self, shots: Sequence[FewShot]) -> Sequence[Sequence[Space]]:
        """The spaces to sweep for each task; override where a cheaper method can tell."""
        return [self._spaces()] * len(shots)

    def space_choice(self) -> SpaceChoice:
        """Which features to use; `auto` leaves it to validation."""
        choice: SpaceChoice = getattr(self.config, "features", "auto")
        return choice

    def fit(self, task: ClassificationTask) -> Predictor:
        """See `Recipe.fit`."""
        return self.fit_many([task])[0]

    def fit_many(self, tasks: Sequence[ClassificationTask]) -> list[Predictor]:
        """See `Recipe.fit_many`."""
        with torch.no_grad():
            if any(task.unseen for task in tasks):  # Of one dataset, all of them have some.
                return self._fit_many(narrowed(tasks))
            return self._fit_many(few_shots(tasks))

    def _fit_many(self, shots: Sequence[FewShot]) -> list[Predictor]:
        with_val = [i for i, own in enumerate(shots) if own.chooses]
        without = [i for i, own in enumerate(shots) if not own.chooses]
        found = dict(zip(with_val, self.choose([shots[i].rehearsal or shots[i] for i in with_val]), strict=True))
        default = self._spaces()[0]
        self._search([shots[i] for i in without], without, default, {i: self.defaults() for i in without}, found)
        for i in without:
            lack = "are too few classes to hide some" if len(shots[i].val) else "is no validation split"
            found[i].notes = (f"There {lack}, so all hyper-parameters are the defaults.", *found[i].notes)
            found[i].trials = []
        again = [i for i in with_val if shots[i].task.refit or shots[i].rehearsal]
        for space in self._spaces():
            own = [i for i in again if found[i].space == space]
            refitted: dict[int, Best] = {}
            settings = {i: found[i].setting for i in own}
            images = [shots[i].joined() if shots[i].task.refit else shots[i] for i in own]
            self._search(images, own, space, settings, refitted)
            for i in own:
                found[i].predictor = refitted[i].predictor
                if shots[i].rehearsal:
                    found[i].parameters, found[i].notes = refitted[i].parameters, refitted[i].notes
        for i, shot in enumerate(shots):
            if shot.wider:
                found[i].predictor = widened(found[i].predictor, shot, found[i].setting.get(MARGIN, 0.0))
        return [self._reported(found[i]) for i in range(len(shots))]

    def choose(self, shots: Sequence[FewShot]) -> list[Best]:
        """Sweep tasks that have validation images, and give each one's best candidate."""
        candidates = self.narrow(shots)
        found: dict[int, Best] = {}
        for space in self._spaces():
            own = [i for i in range(len(shots)) if space in candidates[i]]
            self._search([shots[i] for i in own], own, space, None, found)
        return [found[i] for i in range(len(shots))]

    def _spaces(self) -> tuple[Space, ...]:
        choice = self.space_choice()
        return self.spaces if choice == "auto" else (choice,)

    def _search(
        self,
        shots: Sequence[FewShot],
        names: Sequence[int],
        space: Space,
        settings: Mapping[int, Setting] | None,
        found: dict[int, Best],
    ) -> None:
        """Sweep and keep each task's best; with settings given there is one point, and no choice."""
        for bucket in buckets(shots):
            batch = stack([shots[i] for i in bucket], space)
            if settings is None:
                grid = Grid.shared(self.axes(), len(batch), batch.text.device)
            else:
                grid = Grid.fixed([settings[names[i]] for i in bucket], batch.text.device)
            swept = self.sweep(batch, grid)
            if self.unseen and settings is None and batch.shots[0].wider:
                swept = rehearsed(batch, swept, len(grid.points(0)))
            choice = best(swept.accuracy, swept.nll) if swept.choice is None else swept.choice
            for row, (i, j) in enumerate(zip(bucket, choice.tolist(), strict=True)):
                self._keep(found, names[i], space, swept, row, j, grid.points(row))

    def _keep(
        self, found: dict[int, Best], name: int, space: Space, swept: Swept, row: int, j: int, points: list[Setting]
    ) -> None:
        accuracy, nll = swept.accuracy[row].tolist(), swept.nll[row].tolist()
        trials: list[dict[str, str | int | float | bool]] = [
            {"features": space, **points[k], **swept.found(row, k), swept.measure: accuracy[k], "val_nll": nll[k]}
            for k in range(len(points))
        ]
        earlier = found[name].trials if name in found else []
        own = rank(accuracy[j], nll[j])
        if name not in found or own > found[name].rank:
            found[name] = Best(
                rank=own,
                space=space,
                setting={**points[j], **swept.found(row, j)},
                predictor=swept.build(row, j),
                parameters=swept.parameters(row),
                notes=swept.notes(row, j),
            )
        found[name].trials = earlier + trials

    def _reported(self, own: Best) -> Predictor:
        own.predictor.report = FitReport(
            chosen={"features": own.space, **own.setting},
            trials=own.trials,
            trainable_parameters=own.parameters,
            notes=own.notes,
        )
        return own.predictor

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `Recipe.restore`."""
        return BlendedLinear.restore(directory)
