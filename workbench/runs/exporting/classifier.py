"""What of a finished run leaves the tool: the head, the network below it, class names, and how answers are made."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.errors import RecipeError, WorkbenchError
from workbench.models import LoadedModel
from workbench.runs.finished import FinishedRun
from workbench.tasks import Predictor

if TYPE_CHECKING:
    from workbench.recipes.heads import Head


@dataclass(frozen=True)
class ExportedClassifier:
    """A finished run that classifies, taken apart.

    Attributes:
        run: The run.
        predictor: Its predictor.
    """

    run: FinishedRun
    predictor: Predictor

    @classmethod
    def of(cls, run: FinishedRun, form: str) -> "ExportedClassifier":
        """From a run.

        Args:
            run: The run.
            form: The format that it is wanted in, for the message.

        Raises:
            WorkbenchError: It does not classify, or its answers are no function of one image.
        """
        run.check_items()
        predictor = run.predictor() if run.task.answers else None
        if not isinstance(predictor, Predictor):
            why = f"is {run.result.inference}" if run.result.inference != "inductive" else "does not classify images"
            raise WorkbenchError(
                f"run {run.result.run_id[:8]} ({run.result.label}, {run.result.task}) {why}, and --format {form} is "
                "for classifiers of single images; --format open_clip or transformers writes an adapted network."
            )
        return cls(run, predictor)

    @cached_property
    def head(self) -> "Head":
        """What it does with an image's features.

        Raises:
            WorkbenchError: There is no such function.
        """
        try:
            return self.predictor.as_head()
        except RecipeError as error:
            raise WorkbenchError(
                f"run {self.run.result.run_id[:8]}, recipe {self.run.result.recipe!r}: {error}"
            ) from error

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of scores."""
        return tuple(map(str, self.run.config["class_names"]))

    @property
    def multi_label(self) -> bool:
        """Whether probabilities are of each class by itself."""
        return bool(self.run.config["multi_label"])

    @cached_property
    def own_network(self) -> LoadedModel | None:
        """The network that the run has changed; None where its features are the base model's."""
        return self.predictor.tower(self.run.model)

    @cached_property
    def network(self) -> LoadedModel:
        """The network whose features the head reads, fp32, on the CPU.

        Raises:
            WorkbenchError: The model is a file of embeddings.
        """
        if self.run.encoder.spec.kind == "embeddings":
            raise WorkbenchError(
                f"run {self.run.result.run_id[:8]}: its model is a file of embeddings, so there is no network to "
                "export; its head can be had: --format npz or sklearn."
            )
        return self.own_network or self.run.model.load()
