from pathlib import Path

import pytest

from tests.features.subjects import Folder, TinyEncoder, add_photos
from workbench.features import FeatureStore


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 23 different pictures."""
    add_photos(tmp_path / "photos", 23)
    return tmp_path / "photos"


@pytest.fixture
def dataset(photos: Path) -> Folder:
    return Folder(photos)


@pytest.fixture
def encoder() -> TinyEncoder:
    return TinyEncoder()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(cache: Path) -> FeatureStore:
    return FeatureStore(cache)
