"""The specification of a run: a recipe with its settings, a dataset, a model, a number of shots and a seed."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.recipes.inference import Inference
from workbench.recipes.recipe import Recipe, RecipeConfig

if TYPE_CHECKING:
    from workbench.datasets.transfer import Transfer


@dataclass(frozen=True)
class RunSpec:
    """The specification of a run.

    Attributes:
        model: Model argument, or `none`.
        dataset: Dataset argument.
        recipe: Registered name.
        label: Its name in tables.
        factory: The recipe's class.
        config: Its validated settings.
        shots: Images per class; None means all, 0 that no training image is used.
        seed: Seed.
        transfer: What is opened in place of the whole dataset, where the run is of a transfer.
        shown: The label with the settings that differ from others of the plan.
    """

    model: str
    dataset: str
    recipe: str
    label: str
    factory: type[Recipe[Any]]
    config: RecipeConfig
    shots: int | None
    seed: int
    transfer: "Transfer | None" = None
    shown: str = field(default="", compare=False)

    @property
    def data(self) -> str:
        """What the run opens: its dataset, or a transfer; the same text is the same images and classes."""
        return self.dataset if self.transfer is None else str(self.transfer)

    @property
    def home(self) -> str:
        """The dataset whose images it shares with other runs: of a transfer the source, which all its targets need."""
        return self.dataset if self.transfer is None else self.transfer.source

    @property
    def shots_text(self) -> str:
        """`all` or the number, as it is recorded."""
        return "all" if self.shots is None else str(self.shots)

    @property
    def inference(self) -> Inference:
        """What the predictor will know of other test images."""
        return self.factory.inference_of(self.config)

    @property
    def unlabelled(self) -> bool:
        """Whether the recipe is given images without labels."""
        return self.factory.uses_unlabelled(self.config)

    def __str__(self) -> str:
        return f"{self.data} / {self.shown or self.label} / {self.model} / shots {self.shots_text} / seed {self.seed}"
