"""Whatever files a specialist has: read, or counted and named, or refused with the remedy."""

import re
from pathlib import Path

import pytest

from tests.untidy.archives import ARCHIVES
from tests.untidy.document import DOCUMENT, between_marks, rows
from tests.untidy.field_data import FIELD_DATA
from tests.untidy.file_names import FILE_NAMES
from tests.untidy.folders import FOLDERS
from tests.untidy.row_tables import TABLES
from tests.untidy.untidy import outcome

ALL = [*FOLDERS, *TABLES, *FILE_NAMES, *ARCHIVES, *FIELD_DATA]


@pytest.mark.parametrize("untidy", ALL, ids=lambda untidy: untidy.what)
def test_it_is_read_or_said(untidy, tmp_path):
    found = outcome(untidy, tmp_path / "root", tmp_path / "cache")
    assert found.refused == untidy.refused, found.said
    if untidy.says:
        assert any(re.search(untidy.says, sentence) for sentence in found.said), found.said
    assert all("\n" not in sentence for sentence in found.said)
    for name in ("images", "classes", "splits"):
        expected = getattr(untidy, name)
        assert expected is None or getattr(found, name) == expected, name


def test_the_document_has_them_all(tmp_path):
    assert len(ALL) >= 60
    assert len({untidy.what for untidy in ALL}) == len(ALL)
    text = Path(DOCUMENT).read_text(encoding="utf-8")
    assert between_marks(text) == rows(ALL, tmp_path), "python -m tests.untidy writes it anew"
