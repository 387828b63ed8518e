"""What the server answers, as OpenAPI describes it."""

from typing import Any

from pydantic import BaseModel, Field


class Failure(BaseModel):
    """Every answer of a status from 400 on."""

    error: str = Field(description="A sentence that names the field, what was expected, and what to do.")


class Health(BaseModel):
    """The server is there, and the run is loaded."""

    status: str = "ok"
    run: str
    answered: int = Field(description="Requests since the start, health checks apart.")


class About(BaseModel):
    """The run that is served."""

    run: str
    task: str
    recipe: str
    model: str
    dataset: str
    device: str
    classes: list[str] = Field(description="Class names of a classification; else none.")
    takes_texts: bool = Field(description="Whether `/predict` compares images with texts.")
    picks_boxes: bool = Field(description="Whether `/ground` and `/heat-map` answer.")
    limits: dict[str, float]


class Answers(BaseModel):
    """One answer an image, or a text: what `UsableRun.predict` or `UsableRun.ground` gives."""

    answers: list[dict[str, Any]]
    seconds: float = Field(description="Of decoding and computing.")


class Embeddings(BaseModel):
    """Embeddings in the joint space, of unit norm."""

    embeddings: list[list[float]]


class Hits(BaseModel):
    """Images of the run's dataset, the most alike first."""

    hits: list[dict[str, Any]]
