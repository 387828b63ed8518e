"""A gallery of plainly coloured images under a tiny model."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.datasets import open_dataset
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.search import Gallery, open_gallery
from workbench.settings import Settings


@pytest.fixture
def gallery(make_colours: Callable[..., Path], tiny_model: str, settings: Settings) -> Gallery:
    dataset = open_dataset(str(make_colours()), settings)
    return open_gallery(dataset, open_model(tiny_model, settings), FeatureStore(settings.cache))
