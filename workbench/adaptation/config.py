"""An adaptation, in one TOML file: a model, what it is trained on, how, and what it is measured on."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from workbench.errors import CardError
from workbench.inputs import parse_toml, read_text
from workbench.models import Tower
from workbench.runs.suite import Seed, check_suite_name
from workbench.validation import explain

TextKind = Literal["captions", "names", "descriptions", "taxonomy"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_table(value: Any) -> Any:
    return {"dataset": value} if isinstance(value, str) else value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainedOn(_Table):
    """A dataset whose train split is trained on.

    Attributes:
        dataset: Dataset argument.
        texts: What is said of an image: its `captions`; the `names` of its classes or the card's `descriptions` of
            them; its `taxonomy`. Of several kinds each image's texts are all of them, one of which is drawn each time.
        taxonomy: Columns of the source, the highest rank first, whose values are the words of a taxonomic string.
        weight: Share of every batch, relative to the other datasets'; None takes their numbers of images.
        window: Images that are read together, see `order`; None takes what suits the source.
    """

    dataset: str
    texts: Annotated[tuple[TextKind, ...], BeforeValidator(_as_list), Field(min_length=1)] = ("captions",)
    taxonomy: tuple[str, ...] = ()
    weight: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    window: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_ranks(self) -> "TrainedOn":
        if ("taxonomy" in self.texts) != bool(self.taxonomy):
            raise ValueError("texts = 'taxonomy' and taxonomy, the columns of the ranks, go together")
        return self


class MeasuredOn(_Table):
    """A dataset whose validation and test splits are measured.

    Attributes:
        dataset: Dataset argument.
        metric: Name as in a run's record, a share of which more is better; None takes the card's primary metric.
        weight: Weight in the mean over datasets; with 0 it is measured, and chooses nothing.
        images: Most validation images that are looked at; None looks at all. Test is always measured whole.
    """

    dataset: str
    metric: str | None = None
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    images: int | None = Field(default=None, ge=1)


_Measured = Annotated[MeasuredOn, BeforeValidator(_as_table)]


class Training(_Table):
    """How the network is trained.

    Attributes:
        steps: Number of steps.
        batch_size: Images a step.
        micro_batch_size: Images, and texts, that go through the network at a time, see `gradient_cache`; None takes the
            batch whole.
        method: `lora`, low-rank adapters that are merged at the end, or `full`, all weights.
        locked: The tower that stays as it is (LiT: Zhai et al., "LiT: Zero-Shot Transfer with Locked-image text
            Tuning", CVPR 2022); None trains both.
        loss: `contrastive`, CLIP's softmax, or `sigmoid`, SigLIP's, both with several positives.
        learning_rate: Peak; None takes 5e-4 for lora (2e-3 where 1x1 convolutions are adapted), and for full 1e-5 (2e-4
            where the image tower has batch norm and is trained).
        warmup: Share of the steps (0..1) during which the learning rate rises; then it falls as half a cosine.
        weight_decay: AdamW's, of matrices alone.
        betas: AdamW's.
        scale: Multiplier of cosines at the beginning; None takes the model's own, and for `sigmoid` with a model that
            was not trained so 10, with a bias of -10. It is trained, and never over 100.
        rank: Of the adapters.
        alpha: Adapters are multiplied by alpha / rank; None makes that 1.
        dropout: On the adapters' inputs, 0..1.
        targets: Layers to adapt, see the recipe `lora`.
        min_crop: Least share (0..1] of an image's area that a random crop keeps; 1 shows the evaluation view.
        flip: Mirror half of the images; captions may speak of left and right.
        precision: `auto` follows the run's `--precision`; weights and optimiser are fp32 in any case.
        checkpointing: Compute activations again in the backward pass instead of keeping them.
        checkpoint_every: Steps between checkpoints.
        evaluate_every: Steps between evaluations on validation; None looks ten times.
    """

    steps: int = Field(ge=1)
    batch_size: int = Field(default=256, ge=2)
    micro_batch_size: int | None = Field(default=None, ge=1)
    method: Literal["lora", "full"] = "lora"
    locked: Tower | None = None
    loss: Literal["contrastive", "sigmoid"] = "contrastive"
    learning_rate: float | None = Field(default=None, gt=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.98)
    scale: float | None = Field(default=None, gt=0, le=100)
    rank: int = Field(default=8, ge=1)
    alpha: float | None = Field(default=None, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: Literal["query-key-value"] | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    min_crop: float = Field(default=0.5, gt=0, le=1)
    flip: bool = False
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    checkpointing: bool = False
    checkpoint_every: int = Field(default=200, ge=1)
    evaluate_every: int | None = Field(default=None, ge=1)

    @property
    def towers(self) -> tuple[Tower, ...]:
        """The towers that are trained."""
        both: tuple[Tower, ...] = ("image", "text")
        return tuple(tower for tower in both if tower != self.locked)

    @property
    def steps_between_evaluations(self) -> int:
        """`evaluate_every`, or what makes ten evaluations."""
        return self.evaluate_every or max(1, self.steps // 10)


def _weighs(entries: tuple[MeasuredOn, ...]) -> tuple[MeasuredOn, ...]:
    if entries and not any(entry.weight for entry in entries):
        raise ValueError("one of them at least must have a weight above 0")
    return entries


class Evaluate(_Table):
    """What the adaptation is for; the mean over these datasets, on validation, chooses the step.

    Attributes:
        datasets: At least one.
    """

    datasets: Annotated[tuple[_Measured, ...], Field(min_length=1), AfterValidator(_weighs)]


_GRID = tuple(round(0.1 * step, 1) for step in range(11))


class Retention(_Table):
    """What must not be forgotten.

    Attributes:
        datasets: General datasets.
        tolerance: How much of the mean over them, on validation, may be lost (0..1; 0.01 is one point of per cent).
        alphas: Points between the weights before (0) and after (1) that are tried; 0 and 1 are always among them.
    """

    datasets: Annotated[tuple[_Measured, ...], AfterValidator(_weighs)] = ()
    tolerance: float = Field(default=0.01, ge=0, le=1)
    alphas: tuple[Annotated[float, Field(ge=0, le=1)], ...] = _GRID

    @property
    def grid(self) -> tuple[float, ...]:
        """The alphas, ascending."""
        return tuple(sorted({0.0, 1.0, *self.alphas}))


class Adaptation(_Table):
    """An adaptation.

    Attributes:
        name: The MLflow experiment.
        model: Model argument.
        train: What is trained on.
        training: How.
        evaluate: What it is for.
        retention: What must not be forgotten.
        seed: Seeds the order of images, texts and changes of images, adapters and dropout.
        language: The cards' language of names, prompts and captions; None takes each card's own.
    """

    name: Annotated[str, Field(min_length=1), AfterValidator(check_suite_name)]
    model: str
    train: tuple[TrainedOn, ...] = Field(min_length=1)
    training: Training
    evaluate: Evaluate
    retention: Retention = Retention()
    seed: Seed = 0
    language: str | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "Adaptation":
        weights = [source.weight for source in self.train]
        if any(weight is None for weight in weights) and any(weight is not None for weight in weights):
            raise ValueError("train: give all datasets a weight, or none of them")
        n = len(self.train)
        if n > self.training.batch_size:
            raise ValueError(f"training.batch_size: a batch has at least one image of each of the {n} datasets")
        for key, entries in (("evaluate", self.evaluate.datasets), ("retention", self.retention.datasets)):
            names = [entry.dataset for entry in entries]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"{key}.datasets: {twice!r} is named twice")
        return self


def read_adaptation(path: Path) -> Adaptation:
    """Read an adaptation's file.

    Raises:
        CardError: The file cannot be used; names it and the key.
    """
    try:
        return Adaptation.model_validate(parse_toml(read_text(path, CardError), str(path), CardError))
    except ValidationError as error:
        raise CardError(f"{path}: {explain(error, Adaptation)}") from error
