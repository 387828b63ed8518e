"""Image processors of transformers as evaluation transforms."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from workbench.models.pixel_transform import transform_of_processor

if TYPE_CHECKING:
    from PIL.Image import Image


class Preprocess:
    """The model's own image processor: RGB image to float32 (3, h, w).

    Attributes:
        processor: The library's.
        mean: Channel means of the normalisation.
        std: Channel standard deviations.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self.mean = _three(processor.image_mean)
        self.std = _three(processor.image_std)

    def __call__(self, image: "Image") -> Tensor:
        """See `LoadedModel.preprocess`."""
        pixels: Tensor = self.inputs(image)["pixel_values"][0]
        return pixels.float()

    def inputs(self, image: "Image") -> dict[str, Tensor]:
        """Everything that the library's own image tower is given, of one image."""
        return dict(self.processor(images=image, return_tensors="pt"))

    def settings(self) -> dict[str, Any]:
        """Everything that decides pixels."""
        settings: dict[str, Any] = self.processor.to_dict()
        return settings

    def on_pixels(self) -> Any:
        """The same on 8-bit pixels, or None."""
        try:
            return transform_of_processor(self.processor)
        except (KeyError, TypeError):  # Steps of another kind.
            return None

    def size(self) -> tuple[int, int]:
        """Height and width of what it gives."""
        from PIL import Image

        shape = self(Image.new("RGB", (64, 48))).shape
        return int(shape[1]), int(shape[2])


def _three(values: Any) -> tuple[float, float, float]:
    """One number a channel."""
    numbers = [float(values)] * 3 if isinstance(values, int | float) else [float(value) for value in values]
    return numbers[0], numbers[1], numbers[2]
