"""The steps of every recipe on features: sweep a grid on all tasks together, choose, refit where the task asks."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import torch

from adapters._heads.batches import TaskBatch, batch_tasks, buckets
from adapters._heads.choice import SearchGrid, Setting
from adapters._heads.config import HeadConfig, SolvedConfig, SpaceChoice
from adapters._heads.few_shot import FewShot, few_shots
from adapters._heads.holdout import MARGIN, extended, graded_on_holdout, restricted_to_seen
from adapters._heads.large_images import LargeImages
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.sweep import Best, GridScores, SweepResult
from workbench.plugin import ClassificationRecipe, ClassificationTask, FitReport, Predictor, RecipeError, TaskModel

C = TypeVar("C", bound=HeadConfig)


@dataclass(frozen=True)
class SweepPlan:
    """What to sweep for a task.

    Attributes:
        spaces: Feature spaces.
        fixed: Hyper-parameters that fitting needs and that are not swept.
    """

    spaces: Sequence[Space]
    fixed: Setting = field(default_factory=dict)


class HeadRecipe(ClassificationRecipe[C], Generic[C]):
    """A recipe that fits a head on cached features, all tasks of a group together.

    Subclasses give the grid, the values to take without validation, and `sweep`.

    Attributes:
        spaces: The feature spaces that it can use.
        reads_texts: Whether class names are embedded for it.
    """

    reads_texts: ClassVar[bool] = True
    spaces: ClassVar[tuple[Space, ...]] = ("pooled", "projected")

    @abstractmethod
    def axes(self) -> Mapping[str, Sequence[float]]:
        """Hyper-parameters that validation chooses, simplest value first: of equals the first is taken."""

    @abstractmethod
    def defaults(self) -> Setting:
        """The setting where there is nothing to choose on; may hold more than the axes, such as steps."""

    @abstractmethod
    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """Fit every point of the grid on every task of the batch."""

    def sweep_streamed(self, shot: FewShot, space: Space, grid: SearchGrid) -> SweepResult | None:  # noqa: ARG002
        """`sweep` of one task whose `train` and `val` are `LargeImages`, block by block.

        None, as here, where the method needs all images at once: they are gathered into memory then.
        """
        return None

    def plan_sweep(self, shots: Sequence[FewShot]) -> Sequence[SweepPlan]:
        """What to sweep for each task; override where a cheaper method can rule out part of it."""
        return [SweepPlan(self._spaces())] * len(shots)

    def settled(self) -> bool:
        """Whether the settings leave nothing to choose: one value on each axis, and training that is not stopped."""
        return False

    def refines(self) -> bool:
        """Whether `sweep` solves a single point more exactly than those of a grid: the chosen one is fitted anew."""
        return isinstance(self.config, SolvedConfig)

    def remarks(self, setting: Setting) -> tuple[str, ...]:  # noqa: ARG002
        """Notes for the report on the values that were chosen; none by default."""
        return ()

    def space_choice(self) -> SpaceChoice:
        """The features to use; `auto` leaves the choice to validation."""
        choice: SpaceChoice = getattr(self.config, "features", "auto")
        return choice

    def fit(self, task: ClassificationTask) -> Predictor:
        """See `ClassificationRecipe.fit`."""
        return self.fit_many([task])[0]

    def fit_many(self, tasks: Sequence[ClassificationTask]) -> list[Predictor]:
        """See `ClassificationRecipe.fit_many`."""
        with torch.no_grad():
            if any(task.unseen for task in tasks):  # Of one dataset, all of them have some.
                return self._fit_many(restricted_to_seen(tasks))
            cross_validate = self.config.validation == "cv"
            return self._fit_many(few_shots(tasks, cross_validate=cross_validate, reads_texts=self.reads_texts))

    def _fit_many(self, shots: Sequence[FewShot]) -> list[Predictor]:
        chooses = [] if self.settled() else [i for i, shot in enumerate(shots) if shot.chooses]
        chosen = self.choose([shots[i].holdout or shots[i] for i in chooses])
        best = [Best(self._spaces()[0], self.defaults()) for _ in shots]
        for i, candidate in zip(chooses, chosen, strict=True):
            best[i] = candidate
        self._finish(shots, best)
        return [self._reported(candidate, shot) for candidate, shot in zip(best, shots, strict=True)]

    def _finish(self, shots: Sequence[FewShot], best: Sequence[Best]) -> None:
        """Fit the chosen values where there is no predictor yet, or where the choice was made on fewer images."""
        fitted = {
            i: shots[i].joined() if self._adds_validation(shots[i]) else shots[i]
            for i, candidate in enumerate(best)
            if candidate.predictor is None or self.refines() or shots[i].holdout or self._adds_validation(shots[i])
        }
        for space in self._spaces():
            tasks = [i for i in fitted if best[i].space == space]
            settings = [best[i].setting for i in tasks]
            for bucket, _, swept in self._sweeps([fitted[i] for i in tasks], space, settings=settings):
                for row, k in enumerate(bucket):
                    best[tasks[k]].take(swept, row, 0)

    def _adds_validation(self, shot: FewShot) -> bool:
        """Whether the chosen values are fitted on validation images as well."""
        returned = self.config.validation == "cv" and shot.task.val_made and shot.task.shots is None
        return shot.chooses and len(shot.val) > 0 and (shot.task.refit or returned)

    def _how(self, best: Best, shot: FewShot) -> tuple[str, ...]:
        """How a task's hyper-parameters were chosen, unless it was on the card's validation split alone."""
        if self.settled():
            return ()
        cross_validates = self.config.validation == "cv" and not shot.all_classes
        if not shot.chooses:
            lack = "is no validation split"
            if shot.all_classes and len(shot.val):
                lack = "are too few classes to hide some"
            elif cross_validates:
                lack += ", and there are too few images for cross-validation"
            return (f"There {lack}, so all hyper-parameters are the defaults.",)
        notes = []
        if shot.folds:
            measure = "mean NLL" if self.config.selection == "nll" else "accuracy"
            notes.append(
                f"There is no validation split: hyper-parameters were chosen by {len(shot.folds)}-fold "
                f"cross-validation within training ({measure}), and all {len(shot.train)} images were fitted with them."
            )
        elif self._adds_validation(shot) and not shot.task.refit:
            notes.append(
                "The validation split was made from training; once it had chosen, its images were fitted, too."
            )
        return (*notes, *self.remarks(best.setting))

    def choose(self, shots: Sequence[FewShot]) -> list[Best]:
        """Sweep tasks that have images to choose on, and return the best candidate of each.

        A candidate that was chosen by cross-validation has no predictor.
        """
        plans = self.plan_sweep(shots)
        best: dict[int, Best] = {}
        for space in self._spaces():
            indices = [i for i in range(len(shots)) if space in plans[i].spaces]
            parts = [(i, part) for i in indices for part in shots[i].folds or (shots[i],)]
            folds: dict[int, list[GridScores]] = {i: [] for i in indices if shots[i].folds}
            fixed = [plans[i].fixed for i, _ in parts]
            for bucket, grid, swept in self._sweeps([part for _, part in parts], space, fixed=fixed):
                for row, (i, part) in enumerate(parts[k] for k in bucket):
                    grid_scores = GridScores.of(swept, grid, row, len(part.val))
                    if i in folds:
                        folds[i].append(grid_scores)
                    else:
                        self._offer(best, i, space, grid_scores, (swept, row))
            for i, scores in folds.items():
                self._offer(best, i, space, GridScores.averaged(scores, self.config.selection), None)
        return [best[i] for i in range(len(shots))]

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
    ) -> Iterator[tuple[list[int], SearchGrid, SweepResult]]:
        """Positions of tasks that were swept together, their grid, and its results.

        Args:
            shots: The tasks.
            space: The features.
            fixed: Values besides the grid, for each task.
            settings: One point for each task, in place of the grid.
        """
        for bucket in buckets(shots):
            alone = shots[bucket[0]] if len(bucket) == 1 else None
            if alone is not None and isinstance(alone.train, LargeImages) and alone.all_classes is None:
                points = self.axes() if settings is None else {k: [v] for k, v in settings[bucket[0]].items()}
                grid = SearchGrid.shared(points, 1, alone.text.device)
                if settings is None:
                    grid = grid.with_fixed([fixed[bucket[0]]])
                streamed = self.sweep_streamed(alone, space, grid)
                if streamed is not None:
                    yield bucket, grid, streamed
                    continue
            batch = batch_tasks([shots[i] for i in bucket], space)
            if settings is not None:
                grid = SearchGrid.fixed([settings[i] for i in bucket], batch.text.device)
                yield bucket, grid, self.sweep(batch, grid)
                continue
            grid = SearchGrid.shared(self.axes(), len(batch), batch.text.device).with_fixed([fixed[i] for i in bucket])
            swept = self.sweep(batch, grid)
            if self.unseen and batch.shots[0].all_classes:
                swept = graded_on_holdout(batch, swept, len(grid.points(0)))
            yield bucket, grid, swept

    def _offer(
        self,
        best: dict[int, Best],
        task: int,
        space: Space,
        grid_scores: GridScores,
        fitted: tuple[SweepResult, int] | None,
    ) -> None:
        """Keep a task's best candidate, and the record of all its trials."""
        j, score = grid_scores.best(self.config.selection)
        earlier = best.get(task)
        if earlier is None or score > earlier.rank:
            best[task] = Best(space, grid_scores.settings[j], score)
            if fitted is not None:
                best[task].take(*fitted, j)
        kept = best[task]
        kept.trials = [*(earlier.trials if earlier else []), *grid_scores.trials(space)]
        kept.fits = grid_scores.fits + (earlier.fits if earlier else 0)
        kept.unsolved = grid_scores.unsolved + (earlier.unsolved if earlier else 0)

    def _reported(self, best: Best, shot: FewShot) -> Predictor:
        predictor = best.predictor
        if predictor is None:
            raise RecipeError("no candidate could be fitted on this task.")
        if shot.all_classes:
            predictor = extended(predictor, shot, best.setting.get(MARGIN, 0.0))
        predictor.report = FitReport(
            chosen={"features": best.space, **best.setting},
            trials=best.trials,
            trainable_parameters=best.parameters,
            notes=(*self._how(best, shot), *best.notes),
        )
        return predictor

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return BlendedLinear.restore(directory)
