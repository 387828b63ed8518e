"""What tests of runs share."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.runs.halves import write_halves


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """See `write_halves`."""
    return partial(write_halves, tmp_path)
