"""Write the table of untidy inputs into the documentation: `python -m tests.untidy`."""

import tempfile
from pathlib import Path

from tests.untidy.document import DOCUMENT, replaced, rows
from tests.untidy.test_untidy import ALL

with tempfile.TemporaryDirectory() as folder:
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replaced(text, rows(ALL, Path(folder))), encoding="utf-8")
