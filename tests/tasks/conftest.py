"""Small datasets on disk."""

from tests.datasets.conftest import jpeg, rows_opened

__all__ = ["jpeg", "rows_opened"]
