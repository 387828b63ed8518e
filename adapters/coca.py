"""Captions written by CoCa (Yu et al., TMLR 2022), any `coca_*` model of open_clip, by beam search."""

import json
from pathlib import Path

from pydantic import Field

from workbench.plugin import (
    Captioner,
    CaptioningTask,
    Decoding,
    FitReport,
    ImageSet,
    ImageTextRecipe,
    ImageTextTask,
    RecipeConfig,
    RecipeError,
    TaskModel,
    check_writes,
    to_device,
    write_captions,
)


class CocaConfig(RecipeConfig):
    """Settings; lengths in tokens, start and end included.

    Attributes:
        beams: Sentences kept open; 1 is greedy.
        min_length: A caption is at least so long.
        max_length: It ends here at the latest. The model's decoder bounds it: 77 for open_clip's own.
        batch_size: Images at a time.
    """

    beams: int = Field(default=2, ge=1)
    min_length: int = Field(default=5, ge=2)
    max_length: int = Field(default=30, ge=3)
    batch_size: int = Field(default=16, ge=1)


class Coca(ImageTextRecipe[CocaConfig]):
    """See the module."""

    Config = CocaConfig
    fits = (CaptioningTask,)
    reads = "images"
    trains = False

    def fit_image_text(self, task: ImageTextTask) -> "CocaCaptioner":
        """Load the network; nothing is trained."""
        return CocaCaptioner(task.model, task.device, self.config)

    @classmethod
    def restore_image_text(cls, directory: Path, model: TaskModel, device: str) -> "CocaCaptioner":
        """See `ImageTextRecipe.restore_image_text`."""
        config = CocaConfig.model_validate(json.loads((directory / "coca.json").read_text(encoding="utf-8")))
        return CocaCaptioner(model, device, config)


class CocaCaptioner(Captioner):
    """Writes captions with the pretrained network.

    Args:
        model: Loads it; refused where it has no decoder.
        device: A torch device.
        config: Beams and lengths.
    """

    def __init__(self, model: TaskModel, device: str, config: CocaConfig) -> None:
        if config.min_length >= config.max_length:
            raise RecipeError(f"coca: min_length {config.min_length} must be below max_length {config.max_length}.")
        self._loaded = model.load()
        try:
            check_writes(self._loaded, config.max_length)
        except RecipeError as error:
            raise RecipeError(f"coca: {error}") from None
        to_device(self._loaded.network, device)
        self._device = device
        self._config = config
        self.report = FitReport()

    def captions(self, images: ImageSet) -> list[str]:
        """See `Captioner.captions`."""
        config = self._config
        decoding = Decoding(config.beams, config.min_length, config.max_length)
        return write_captions(self._loaded, images, decoding, device=self._device, batch_size=config.batch_size)

    def save(self, directory: Path) -> None:
        """Write `coca.json`; the weights are the model's own."""
        (directory / "coca.json").write_text(self._config.model_dump_json(), encoding="utf-8")
