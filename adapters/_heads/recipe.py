"""The course that every recipe on features takes: sweep a grid on all tasks together, choose, refit where asked."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import torch

from adapters._heads.candidates import Best, Candidates, Swept
from adapters._heads.choice import Grid, Setting
from adapters._heads.config import HeadConfig, SolvedConfig, SpaceChoice
from adapters._heads.data import FewShot, Stack, buckets, few_shots, stack
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.unseen import MARGIN, narrowed, rehearsed, widened
from workbench.plugin import ClassificationRecipe, ClassificationTask, FitReport, Predictor, RecipeError, TaskModel

C = TypeVar("C", bound=HeadConfig)


@dataclass(frozen=True)
class Narrowed:
    """What is left to sweep for a task.

    Attributes:
        spaces: Feature spaces.
        fixed: Values that take part in fitting and are not swept.
    """

    spaces: Sequence[Space]
    fixed: Setting = field(default_factory=dict)


class HeadRecipe(ClassificationRecipe[C], Generic[C]):
    """A recipe that fits a head on cached features, all tasks of a group together.

    Subclasses give the grid, the values to take without validation, and `sweep`.

    Attributes:
        spaces: The feature spaces that it can use.
    """

    spaces: ClassVar[tuple[Space, ...]] = ("pooled", "projected")

    @abstractmethod
    def axes(self) -> Mapping[str, Sequence[float]]:
        """Hyper-parameters that validation chooses, simplest value first: of equals the first is taken."""

    @abstractmethod
    def defaults(self) -> Setting:
        """What is taken where there is nothing to choose on; may hold more than the axes, such as steps."""

    @abstractmethod
    def sweep(self, batch: Stack, grid: Grid) -> Swept:
        """Fit every point of the grid on every task of the stack."""

    def narrow(self, shots: Sequence[FewShot]) -> Sequence[Narrowed]:
        """What to sweep for each task; override where a cheaper method can tell."""
        return [Narrowed(self._spaces())] * len(shots)

    def settled(self) -> bool:
        """Whether the settings leave nothing to choose: one value on each axis, and training that is not stopped."""
        return False

    def refines(self) -> bool:
        """Whether `sweep` solves a single point more exactly than those of a grid: the chosen one is fitted anew."""
        return isinstance(self.config, SolvedConfig)

    def remarks(self, setting: Setting) -> tuple[str, ...]:  # noqa: ARG002
        """What the reader of a run should know of the values that were chosen; override where there is something."""
        return ()

    def space_choice(self) -> SpaceChoice:
        """Which features to use; `auto` leaves it to validation."""
        choice: SpaceChoice = getattr(self.config, "features", "auto")
        return choice

    def fit(self, task: ClassificationTask) -> Predictor:
        """See `ClassificationRecipe.fit`."""
        return self.fit_many([task])[0]

    def fit_many(self, tasks: Sequence[ClassificationTask]) -> list[Predictor]:
        """See `ClassificationRecipe.fit_many`."""
        with torch.no_grad():
            if any(task.unseen for task in tasks):  # Of one dataset, all of them have some.
                return self._fit_many(narrowed(tasks))
            return self._fit_many(few_shots(tasks, cross_validate=self.config.validation == "cv"))

    def _fit_many(self, shots: Sequence[FewShot]) -> list[Predictor]:
        chooses = [] if self.settled() else [i for i, own in enumerate(shots) if own.chooses]
        chosen = self.choose([shots[i].rehearsal or shots[i] for i in chooses])
        found = [Best(self._spaces()[0], self.defaults()) for _ in shots]
        for i, own in zip(chooses, chosen, strict=True):
            found[i] = own
        self._finish(shots, found)
        return [self._reported(own, shot) for own, shot in zip(found, shots, strict=True)]

    def _finish(self, shots: Sequence[FewShot], found: Sequence[Best]) -> None:
        """Fit with the chosen values what has no predictor yet, or more images than its choice had."""
        images = {
            i: shots[i].joined() if self._adds_validation(shots[i]) else shots[i]
            for i, own in enumerate(found)
            if own.predictor is None or self.refines() or shots[i].rehearsal or self._adds_validation(shots[i])
        }
        for space in self._spaces():
            names = [i for i in images if found[i].space == space]
            settings = [found[i].setting for i in names]
            for bucket, _, swept in self._sweeps([images[i] for i in names], space, settings=settings):
                for row, k in enumerate(bucket):
                    found[names[k]].take(swept, row, 0)

    def _adds_validation(self, shot: FewShot) -> bool:
        """Whether the chosen values are fitted on validation images as well."""
        given_back = self.config.validation == "cv" and shot.task.val_made and shot.task.shots is None
        return shot.chooses and len(shot.val) > 0 and (shot.task.refit or given_back)

    def _how(self, own: Best, shot: FewShot) -> tuple[str, ...]:
        """How a task's hyper-parameters were chosen, where it was not on a validation split that stays one."""
        if self.settled():
            return ()
        cross_validates = self.config.validation == "cv" and not shot.wider
        if not shot.chooses:
            lack = "is no validation split"
            if shot.wider and len(shot.val):
                lack = "are too few classes to hide some"
            elif cross_validates:
                lack += ", and there are too few images for cross-validation"
            return (f"There {lack}, so all hyper-parameters are the defaults.",)
        said = []
        if shot.folds:
            measure = "mean NLL" if self.config.selection == "nll" else "accuracy"
            said.append(
                f"There is no validation split: hyper-parameters were chosen by {len(shot.folds)}-fold "
                f"cross-validation within training ({measure}), and all {len(shot.train)} images were fitted with them."
            )
        elif self._adds_validation(shot) and not shot.task.refit:
            said.append("The validation split was made from training; once it had chosen, its images were fitted, too.")
        return (*said, *self.remarks(own.setting))

    def choose(self, shots: Sequence[FewShot]) -> list[Best]:
        """Sweep tasks that have something to choose on, and give each one's best candidate.

        Its predictor is missing where it was chosen by cross-validation.
        """
        ways = self.narrow(shots)
        found: dict[int, Best] = {}
        for space in self._spaces():
            own = [i for i in range(len(shots)) if space in ways[i].spaces]
            parts = [(i, part) for i in own for part in shots[i].folds or (shots[i],)]
            folds: dict[int, list[Candidates]] = {i: [] for i in own if shots[i].folds}
            fixed = [ways[i].fixed for i, _ in parts]
            for bucket, grid, swept in self._sweeps([part for _, part in parts], space, fixed=fixed):
                for row, (i, part) in enumerate(parts[k] for k in bucket):
                    graded = Candidates.of(swept, grid, row, len(part.val))
                    if i in folds:
                        folds[i].append(graded)
                    else:
                        self._offer(found, i, space, graded, (swept, row))
            for i, each in folds.items():
                self._offer(found, i, space, Candidates.averaged(each, self.config.selection), None)
        return [found[i] for i in range(len(shots))]

    def _spaces(self) -> tuple[Space, ...]:
        choice = self.space_choice()
        return self.spaces if choice == "auto" else (choice,)

    def _sweeps(
        self,
        shots: Sequence[FewShot],
        space: Space,
        *,
        fixed: Sequence[Setting] = (),
        settings: Sequence[Setting] | None = None,
    ) -> Iterator[tuple[list[int], Grid, Swept]]:
        """Positions of tasks that were swept together, their grid, and what it gave.

        Args:
            shots: The tasks.
            space: Which features.
            fixed: Values besides the grid, for each task.
            settings: One point for each task, in place of the grid.
        """
        for bucket in buckets(shots):
            batch = stack([shots[i] for i in bucket], space)
            if settings is not None:
                grid = Grid.fixed([settings[i] for i in bucket], batch.text.device)
                yield bucket, grid, self.sweep(batch, grid)
                continue
            grid = Grid.shared(self.axes(), len(batch), batch.text.device).with_fixed([fixed[i] for i in bucket])
            swept = self.sweep(batch, grid)
            if self.unseen and batch.shots[0].wider:
                swept = rehearsed(batch, swept, len(grid.points(0)))
            yield bucket, grid, swept

    def _offer(
        self, found: dict[int, Best], name: int, space: Space, graded: Candidates, fitted: tuple[Swept, int] | None
    ) -> None:
        """Keep a task's best candidate, and the record of all."""
        j, own = graded.best(self.config.selection)
        earlier = found.get(name)
        if earlier is None or own > earlier.rank:
            found[name] = Best(space, graded.settings[j], own)
            if fitted is not None:
                found[name].take(*fitted, j)
        new = found[name]
        new.trials = [*(earlier.trials if earlier else []), *graded.trials(space)]
        new.fits = graded.fits + (earlier.fits if earlier else 0)
        new.unsolved = graded.unsolved + (earlier.unsolved if earlier else 0)

    def _reported(self, own: Best, shot: FewShot) -> Predictor:
        predictor = own.predictor
        if predictor is None:
            raise RecipeError("no candidate could be fitted on this task.")
        if shot.wider:
            predictor = widened(predictor, shot, own.setting.get(MARGIN, 0.0))
        predictor.report = FitReport(
            chosen={"features": own.space, **own.setting},
            trials=own.trials,
            trainable_parameters=own.parameters,
            notes=(*self._how(own, shot), *own.notes),
        )
        return predictor

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return BlendedLinear.restore(directory)
