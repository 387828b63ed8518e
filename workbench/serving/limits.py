"""What a server takes of one request, and of all together."""

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """Larger requests are refused, each with a sentence that names the limit.

    Attributes:
        bytes: Of a request's body.
        pixels: Of one image.
        images: Of one request.
        texts: Of one request.
        characters: Of one text.
        boxes: Of one image.
        waiting: Requests that may be under way; further ones are told to come back.
        seconds: Within which a body must have arrived.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = Field(default=32 * 2**20, ge=1)
    pixels: int = Field(default=50_000_000, ge=1)
    images: int = Field(default=64, ge=1)
    texts: int = Field(default=64, ge=1)
    characters: int = Field(default=2_000, ge=1)
    boxes: int = Field(default=300, ge=1)
    waiting: int = Field(default=16, ge=1)
    seconds: float = Field(default=30.0, gt=0)
