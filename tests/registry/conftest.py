"""The third-party package of `tests/plugin`, installed by pip once for all tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.datasets.card_reading import _known_cards, card_classes
from workbench.datasets.sources import sources
from workbench.metrics import registry as metrics
from workbench.models.plugin import models
from workbench.recipes import recipes
from workbench.tasks import tasks

PLUGIN = Path(__file__).parent.parent / "plugin"


def install(package: Path, site: Path) -> None:
    """Install into a folder; the build back end is there with the tests' extra, so nothing is downloaded."""
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", site,
        package,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package lies in; no test changes it."""
    folder = tmp_path_factory.mktemp("plugin") / "site"
    install(PLUGIN, folder)
    return folder


@pytest.fixture(scope="module")
def installed(site: Path) -> Iterator[Path]:
    """The package as if it lay beside the workbench, for the tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        _forget()
        yield site
    _forget()


def _forget() -> None:
    """Names that were found before are remembered."""
    for registry in (tasks, card_classes, recipes, models, sources, metrics.plugins):
        registry.__dict__.pop("_points", None)
    for remembered in (_known_cards, metrics.added_metrics, metrics.all_metrics):
        remembered.cache_clear()
