"""The registered classes; they import torch only when asked for files or weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.models.spec import parse_model

if TYPE_CHECKING:
    from workbench.models.loaded import LoadedModel


class OfflineLite:
    """EfficientNet-Lite0 and MiniLM, joined by a linear projection."""

    version = "1"
    languages = ("en",)
    notice: str | None = "not CLIP-pretrained: two separately trained towers, aligned in closed form"

    def files(self, cache: Path) -> list[Path]:
        """See `ModelPlugin.files`."""
        from workbench.models.offline_lite import checkpoint

        # The configuration holds the path of the cache, so it is not part of the identity.
        folder = checkpoint.folder(cache)
        return [folder / name for name in (checkpoint.WEIGHTS, *checkpoint.TEXT_FILES)]

    def load(self, cache: Path) -> "LoadedModel":
        """See `ModelPlugin.load`."""
        from workbench.models.checkpoints import build
        from workbench.models.offline_lite import checkpoint

        return build(parse_model(f"local-dir:{checkpoint.folder(cache)}"))


class OfflineLiteConse(OfflineLite):
    """The same towers, joined by ConSE."""

    notice: str | None = "not CLIP-pretrained: ConSE over an ImageNet classifier; no head to train or export"

    def files(self, cache: Path) -> list[Path]:
        """See `ModelPlugin.files`."""
        from workbench.models.offline_lite import checkpoint

        return [*super().files(cache), checkpoint.folder(cache) / checkpoint.CONSE]

    def load(self, cache: Path) -> "LoadedModel":
        """See `ModelPlugin.load`."""
        from safetensors.torch import load_file

        from workbench.models.offline_lite import checkpoint
        from workbench.models.offline_lite.conse import Conse

        loaded = super().load(cache)
        loaded.network = Conse(loaded.network, load_file(checkpoint.folder(cache) / checkpoint.CONSE)).eval()
        loaded.network.requires_grad_(False)
        loaded.frozen_reason = "offline-lite-conse has no projection head to train or export; use offline-lite"
        return loaded


class OfflineLiteMultilingual:
    """EfficientNet-Lite0 and the multilingual universal sentence encoder, joined by a linear projection."""

    version = "1"
    languages = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
    notice: str | None = (
        "not CLIP-pretrained: two separately trained towers, aligned in closed form on English class names"
    )

    def files(self, cache: Path) -> list[Path]:
        """See `ModelPlugin.files`."""
        from workbench.models.offline_lite import multilingual, towers

        text_files = [towers.multilingual_file(name) for name in towers.MULTILINGUAL_SHA256]
        return [towers.image_file(), *text_files, multilingual.projection_file(cache)]

    def load(self, cache: Path) -> "LoadedModel":
        """See `ModelPlugin.load`."""
        from workbench.models.offline_lite import multilingual

        return multilingual.load(cache)
