"""The recipe `relation-head`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from workbench.plugin import (
    FitReport,
    GroundingTask,
    ImageTextRecipe,
    ImageTextTask,
    MatchingTask,
    PairScorer,
    RecipeConfig,
    RecipeError,
    TaskModel,
)

if TYPE_CHECKING:
    from adapters.relation_head.training import RelationTrial


class RelationHeadConfig(RecipeConfig):
    """Settings of `relation-head`.

    Attributes:
        parse: Where subject and object of a text come from: the embedding of the `sentence`, those of its `phrases`, or
            `auto`: validation chooses.
        words: Words in a phrase.
        tiles: In matching: windows along an edge of a square picture.
        features: Features of regions that correct the model's embeddings.
        rank: Rank of the corrections.
        scales: Multipliers of cosines at the beginning, of which validation chooses. CLIP's own, often 100, is meant
            for one embedding among thousands; a sum over regions needs room to learn.
        learning_rate: AdamW's peak rate.
        weight_decay: AdamW's decoupled weight decay.
        epochs: Passes over the training items; validation chooses the best.
        batch_size: Items a step.
        image_dropout: Share of the regions' features that training drops.
        text_dropout: Share of the texts' features that it drops.
    """

    parse: Literal["auto", "sentence", "phrases"] = "auto"
    words: int = Field(default=3, ge=1)
    tiles: int = Field(default=5, ge=1)
    features: Literal["pooled", "projected"] = "pooled"
    rank: int = Field(default=32, ge=1)
    scales: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(3.0, 10.0), min_length=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=64, ge=1)
    image_dropout: float = Field(default=0.5, ge=0, lt=1)
    text_dropout: float = Field(default=0.3, ge=0, lt=1)


class RelationHead(ImageTextRecipe[RelationHeadConfig]):
    """Train heads on cached features of boxes or tiles: their content, their place, and their relations."""

    Config: ClassVar[type[RecipeConfig]] = RelationHeadConfig
    fits: ClassVar[tuple[type[ImageTextTask], ...]] = (MatchingTask, GroundingTask)
    stochastic: ClassVar[bool] = True

    def tiles(self, task: type[ImageTextTask]) -> int:
        """See `ImageTextRecipe.tiles`."""
        return self.config.tiles if issubclass(task, MatchingTask) else 0

    def fit_image_text(self, task: ImageTextTask) -> PairScorer:
        """Train a head for each way of parsing and each scale, and keep the best on validation."""
        if not isinstance(task, MatchingTask | GroundingTask):
            raise RecipeError(f"relation-head does not do {type(task).__name__}.")
        if len(task.train) == 0:
            raise RecipeError("relation-head: there are no training items.")
        from adapters.relation_head.scorer import RelationScorer

        trials = self._trials(task)
        best = max(trials, key=lambda trial: trial.quality.score)
        return RelationScorer(best.network, best.reading, task.model, task.device, self._report(trials, best, task))

    def _trials(self, task: MatchingTask | GroundingTask) -> "list[RelationTrial]":
        from adapters.relation_head.phrases import embed_phrases
        from adapters.relation_head.scorer import Evidence, Reading
        from adapters.relation_head.training import Split, train_head

        config, parts = self.config, [task.train, *([task.val] if len(task.val) else [])]
        matching = isinstance(task, MatchingTask)
        parses = ("phrases", "sentence") if config.parse == "auto" else (config.parse,)
        readings = [
            Reading(config.features, config.words if parse == "phrases" else None, config.tiles if matching else None)
            for parse in (parses if len(task.val) else parses[:1])
        ]
        questions = [readings[0].questions(part.candidates) for part in parts]
        statements = isinstance(task, MatchingTask) and task.form == "statement"
        trials = []
        for reading in readings:
            texts = [embed_phrases(task.model, part.texts, reading.words) for part in parts]
            splits = [
                Split(part, part_questions, Evidence(part_questions.scenes, phrases, reading.space, task.device))
                for part, part_questions, phrases in zip(parts, questions, texts, strict=True)
            ]
            val = splits[1] if len(splits) > 1 else None
            trials += [
                train_head(
                    splits[0], val, config, reading, scale, task.seed, task.device, statements=statements
                )
                for scale in (config.scales if val else config.scales[:1])
            ]  # fmt: skip
        return trials

    def _report(
        self, trials: "list[RelationTrial]", best: "RelationTrial", task: MatchingTask | GroundingTask
    ) -> FitReport:
        notes = []
        if not len(task.val):
            notes.append("There is no validation split, so parse and scale are the first, and the epoch the last.")
        if task.refit:
            notes.append("relation-head does not refit on train and validation; validation chose its epoch.")
        return FitReport(
            chosen={"parse": best.parse, "initial_scale": best.scale, "epoch": best.epoch},
            trials=[
                {"parse": t.parse, "initial_scale": t.scale, "epoch": t.epoch, **t.quality.measures} for t in trials
            ],
            trainable_parameters=best.parameters,
            history=dict(best.history),
            notes=tuple(notes),
        )

    @classmethod
    def restore_image_text(cls, directory: Path, model: TaskModel, device: str) -> PairScorer:
        """See `ImageTextRecipe.restore_image_text`."""
        from adapters.relation_head.scorer import RelationScorer

        return RelationScorer.restore(directory, model, device)
